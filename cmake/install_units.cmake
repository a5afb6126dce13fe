# Installs deploy/systemd with the paths of this installation. Run by `cmake --install` with
# `deploy`, `scratch` (a folder to write to) and CMAKE_INSTALL_PREFIX set.
file(REMOVE_RECURSE "${scratch}")
foreach(unit celeriac@.service celeriac-beat.service celeriac.target)
  file(READ "${deploy}/systemd/${unit}" text)
  string(REPLACE "/usr/bin/celeriac" "${CMAKE_INSTALL_PREFIX}/bin/celeriac" text "${text}")
  string(REPLACE "/usr/share/" "${CMAKE_INSTALL_PREFIX}/share/" text "${text}")
  file(WRITE "${scratch}/${unit}" "${text}")
endforeach()
file(INSTALL "${scratch}/" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
