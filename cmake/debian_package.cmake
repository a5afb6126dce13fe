# `cpack --preset release`: the .deb for the Debian release that it is built on, from build/release.
# `scripts/install-dependencies --package` installs what it takes.

# As `apt` would have it, not below the prefix of a build: /usr, /etc and absolute paths.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS
    "${CMAKE_BINARY_DIR};${PROJECT_NAME};ALL;/"
    "${CMAKE_BINARY_DIR};${PROJECT_NAME};debian;/")
install(FILES deploy/systemd/celeriac.default DESTINATION /etc/default RENAME celeriac
        PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES deploy/debian/alerts.yaml DESTINATION /etc/celeriac
        PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ COMPONENT debian EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CELERIAC_PACKAGE_CONTACT "The Celeriac developers <celeriac@example.org>"
    CACHE STRING "Name and address of whoever makes the package")
set(CPACK_PACKAGE_CONTACT "${CELERIAC_PACKAGE_CONTACT}")
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian_files.cmake)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "native worker for Celery")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Takes the place of `celery worker` for tasks that are written in C++ and for
alert rules in YAML, while producers, beat, Flower and `celery inspect` stay as
they are. Contains the headers, libraries and the CMake package to write tasks
with.")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS systemd)
# The last lines are what programs that link celeriac::worker are built with.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
    "python3-venv, rabbitmq-server, redis-server, \
cmake, g++, pkg-config, libuv1-dev, libhiredis-dev, librabbitmq-dev, libcurl4-openssl-dev, \
libssl-dev, libyaml-cpp-dev, libspdlog-dev, libcli11-dev, prometheus-cpp-dev, zlib1g-dev, \
libbz2-dev, liblzma-dev, libzstd-dev")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/deploy/debian/conffiles
    ${PROJECT_SOURCE_DIR}/deploy/debian/postinst
    ${PROJECT_SOURCE_DIR}/deploy/debian/prerm
    ${PROJECT_SOURCE_DIR}/deploy/debian/postrm)
include(CPack)
