# Before a package is made of the staged files: what Debian wants compressed. For the tarball of the sources nothing.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share)
  file(RENAME ${share}/doc/pghost/CHANGELOG.md ${share}/doc/pghost/changelog)
  file(GLOB files ${share}/man/man1/*.1)
  execute_process(COMMAND gzip -9n ${files} ${share}/doc/pghost/changelog COMMAND_ERROR_IS_FATAL ANY)
endif()
