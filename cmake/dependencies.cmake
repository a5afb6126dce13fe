# Everything comes from the distribution; nothing is downloaded.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(BZip2 REQUIRED)
find_package(LibLZMA REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(RapidJSON REQUIRED)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(RABBITMQ REQUIRED IMPORTED_TARGET librabbitmq)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)

# Debian 13's hiredis has TLS, Debian 12's has not; rediss:// is refused there.
pkg_check_modules(HIREDIS_SSL IMPORTED_TARGET hiredis_ssl)

# yaml-cpp 0.8 renamed its target.
if(TARGET yaml-cpp::yaml-cpp)
  set(CELERIAC_YAML_CPP yaml-cpp::yaml-cpp)
else()
  set(CELERIAC_YAML_CPP yaml-cpp)
endif()
