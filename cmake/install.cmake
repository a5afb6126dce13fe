# What `cmake --install` and the Debian package put where. The program itself is installed where it
# is built, in worker/CMakeLists.txt.

# The SDK; cmake/celeriac-config.cmake says what find_package(celeriac) gives.
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/celeriac)
install(DIRECTORY protocol/include/celeriac worker/include/celeriac
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS celeriac_module EXPORT celeriac)
install(TARGETS celeriac_protocol celeriac_sdk EXPORT celeriac-sdk
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS celeriac_worker EXPORT celeriac-worker)
install(EXPORT celeriac NAMESPACE celeriac:: FILE celeriac-targets.cmake DESTINATION ${package})
foreach(component sdk worker)
  install(EXPORT celeriac-${component} NAMESPACE celeriac::
          FILE celeriac-${component}-targets.cmake DESTINATION ${package})
endforeach()
write_basic_package_version_file(${CMAKE_BINARY_DIR}/celeriac-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES cmake/celeriac-config.cmake cmake/celeriac_add_module.cmake
              ${CMAKE_BINARY_DIR}/celeriac-config-version.cmake
        DESTINATION ${package})

# Units say where this program is, wherever that is.
install(CODE "
  set(deploy \"${PROJECT_SOURCE_DIR}/deploy\")
  set(scratch \"${CMAKE_BINARY_DIR}/units\")")
install(SCRIPT cmake/install_units.cmake)

# Beat's application; it wants a virtual environment with requirements.txt.
install(FILES python_beat/alert_rules.py python_beat/beat.py python_beat/README.md python_beat/requirements.txt
        DESTINATION ${CMAKE_INSTALL_DATADIR}/celeriac/python_beat)

install(FILES deploy/man/celeriac.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY deploy/grafana deploy/kubernetes deploy/prometheus deploy/supervisord
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES deploy/systemd/celeriac.default DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
