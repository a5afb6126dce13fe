# find_package(celeriac): the target celeriac::module and celeriac_add_module(NAME SOURCE...), for
# task modules that the installed `celeriac worker -A ./NAME.so` loads. They link nothing.
#
# find_package(celeriac COMPONENTS sdk worker), which link the libraries of Debian's -dev packages:
#   sdk     celeriac::sdk: tasks in a program, such as their tests with <celeriac/testing.h>
#   worker  celeriac::worker: a worker program of one's own with <celeriac/worker.h>
include(CMakeFindDependencyMacro)

set(celeriac_components ${celeriac_FIND_COMPONENTS})
list(REMOVE_ITEM celeriac_components module sdk worker)
if(celeriac_components)
  set(celeriac_FOUND FALSE)
  set(celeriac_NOT_FOUND_MESSAGE
      "celeriac has no component ${celeriac_components}; it has module, sdk and worker")
  return()
endif()

# A library that pkg-config knows, as the target PkgConfig::NAME.
macro(celeriac_find_library name module)
  pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
  if(NOT ${name}_FOUND)
    set(celeriac_FOUND FALSE)
    set(celeriac_NOT_FOUND_MESSAGE
        "pkg-config does not find ${module}; install its development package")
    return()
  endif()
endmacro()

include(${CMAKE_CURRENT_LIST_DIR}/celeriac-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/celeriac_add_module.cmake)

if("sdk" IN_LIST celeriac_FIND_COMPONENTS OR "worker" IN_LIST celeriac_FIND_COMPONENTS)
  find_dependency(PkgConfig)
  find_dependency(yaml-cpp)
  find_dependency(ZLIB)
  find_dependency(BZip2)
  find_dependency(LibLZMA)
  celeriac_find_library(ZSTD libzstd)
  include(${CMAKE_CURRENT_LIST_DIR}/celeriac-sdk-targets.cmake)
endif()

if("worker" IN_LIST celeriac_FIND_COMPONENTS)
  find_dependency(Threads)
  find_dependency(OpenSSL)
  find_dependency(CURL)
  find_dependency(spdlog)
  find_dependency(CLI11)
  find_dependency(prometheus-cpp CONFIG COMPONENTS core)
  celeriac_find_library(LIBUV libuv)
  celeriac_find_library(HIREDIS hiredis)
  celeriac_find_library(RABBITMQ librabbitmq)
  # Where celeriac was built with it.
  pkg_check_modules(HIREDIS_SSL QUIET IMPORTED_TARGET hiredis_ssl)
  include(${CMAKE_CURRENT_LIST_DIR}/celeriac-worker-targets.cmake)
endif()
