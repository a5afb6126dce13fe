# What `cmake --install` and the Debian package put where. The program itself is installed where it
# is built, in worker/CMakeLists.txt.

# The SDK: find_package(celeriac), then celeriac_add_module(NAME SOURCE...).
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/celeriac)
install(DIRECTORY protocol/include/celeriac worker/include/celeriac
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS celeriac_module EXPORT celeriac)
install(EXPORT celeriac NAMESPACE celeriac:: FILE celeriac-targets.cmake DESTINATION ${package})
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
