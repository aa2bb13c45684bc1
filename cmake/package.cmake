# cpack makes the Debian package, `cpack --config CPackSourceConfig.cmake` the tarball of the sources.
set(CPACK_PACKAGE_NAME pghost)
set(CPACK_PACKAGE_VENDOR "pghost maintainers")
set(CPACK_PACKAGE_CONTACT "pghost maintainers <maintainers@pghost.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "turns CSV files into PostgreSQL tables that people trust")
string(JOIN "\n" CPACK_PACKAGE_DESCRIPTION
  "pghost reads CSV files, cleans and checks every field by rules that are Lua"
  "and SQL, and sends what passes to PostgreSQL by binary COPY. Tables are built"
  "aside, checked, and published together or not at all.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_files.cmake)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/package_options.cmake)
set(CPACK_VERBATIM_VARIABLES ON)

# The libraries are found by dpkg-shlibdeps; the modules of Lua, which only run, are those of packages.txt. No server is
# needed: a database may be elsewhere. The private server needs one that is installed here.
function(packages_of section pattern result)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/bootstrap packages ${section} OUTPUT_VARIABLE names
    COMMAND_ERROR_IS_FATAL ANY)
  string(STRIP "${names}" names)
  string(REPLACE "\n" ";" names "${names}")
  list(FILTER names INCLUDE REGEX "${pattern}")
  list(JOIN names ", " names)
  set(${result} "${names}" PARENT_SCOPE)
endfunction()
packages_of(run "^(lua|ca)-" CPACK_DEBIAN_PACKAGE_DEPENDS)
packages_of(server "." CPACK_DEBIAN_PACKAGE_RECOMMENDS)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}) # two of its objects need the third
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_SOURCE_GENERATOR TGZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME pghost-${PROJECT_VERSION})
set(CPACK_SOURCE_IGNORE_FILES "${PROJECT_SOURCE_DIR}/build.*/" "/\\.git/" "/\\.git$" "/\\.cache/" "/\\.env$"
  "/node_modules$" "/node_modules/" "/compile_commands\\.json$" "~$")

install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DATADIR}/pghost)
include(CPack)
