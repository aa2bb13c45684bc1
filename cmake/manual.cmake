# Man pages and completions are written by pghost itself, from the parsers of its commands.
if(PGHOST_SANITIZE OR (CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR))
  set(MANUAL_DEFAULT OFF)
else()
  set(MANUAL_DEFAULT ON)
endif()
option(PGHOST_MANUAL "Man pages and completions of the shells; runs pghost" ${MANUAL_DEFAULT})
if(PGHOST_MANUAL)
  file(GLOB_RECURSE MANUAL_SOURCES CONFIGURE_DEPENDS scripts/pghost/*.lua)
  set(MANUAL ${PROJECT_BINARY_DIR}/share)
  add_custom_command(OUTPUT ${MANUAL}/stamp
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${MANUAL}
    COMMAND pghost ${PROJECT_SOURCE_DIR}/cmake/manual.lua ${MANUAL}
    COMMAND ${CMAKE_COMMAND} -E touch ${MANUAL}/stamp
    DEPENDS pghost pghost_native cmake/manual.lua ${MANUAL_SOURCES}
    COMMENT "Writing man pages and completions" VERBATIM)
  add_custom_target(manual ALL DEPENDS ${MANUAL}/stamp)
  install(DIRECTORY ${MANUAL}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
  install(DIRECTORY ${MANUAL}/bash-completion ${MANUAL}/zsh ${MANUAL}/fish
    DESTINATION ${CMAKE_INSTALL_DATADIR})
endif()

# docs/reference is in git, so that it can be read there; spec/reference_spec.lua fails when it is stale.
add_custom_target(reference
  COMMAND pghost ${PROJECT_SOURCE_DIR}/cmake/reference.lua ${PROJECT_SOURCE_DIR}/docs/reference
  DEPENDS pghost pghost_native VERBATIM)
