# What Debian's policy wants of the files of a package. CPack runs it over what is to be packaged.
set(root ${CPACK_TEMPORARY_DIRECTORY})
file(GLOB_RECURSE manuals ${root}/usr/share/man/*.1)
file(GLOB_RECURSE archives ${root}/usr/lib/*.a)
set(changelog ${root}/usr/share/doc/${CPACK_PACKAGE_NAME}/changelog)
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH, where it is set
file(WRITE ${changelog}
     "${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n"
     "  * What is new stands in CHANGELOG.md beside this file.\n\n"
     " -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
execute_process(COMMAND gzip --best --no-name ${manuals} ${changelog} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND strip --strip-debug --remove-section=.comment --remove-section=.note
                        --enable-deterministic-archives ${archives}
                COMMAND_ERROR_IS_FATAL ANY)
