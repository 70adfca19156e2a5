# The shapes a target has here.
#
#   copsec_library(NAME SOURCES ... LINK ...)   static library copsec-NAME, alias copsec::NAME
#   copsec_program(NAME DIR SOURCES ... LINK ...)  program NAME, installed to DIR (sbin or bin)
#   copsec_completion(NAME WORDS...)  its completion, printed by `NAME WORDS... SHELL`, installed
#   copsec_test(NAME LABEL SOURCES ... LINK ...)   test program, one CTest test, labelled
#   copsec_script_test(NAME LABEL TIMEOUT COMMAND...)  a script as a CTest test
include(CMakeParseArguments)
option(COPSEC_SKIP_IS_FAILURE "A test that would be skipped fails" OFF)

function(copsec_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE" ${ARGN})
  add_library(copsec-${name} STATIC ${ARG_SOURCES})
  add_library(copsec::${name} ALIAS copsec-${name})
  target_link_libraries(copsec-${name} PUBLIC copsec::build ${ARG_LINK} PRIVATE ${ARG_PRIVATE})
endfunction()

function(copsec_program name dir)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE copsec::build ${ARG_LINK})
  if(dir STREQUAL "sbin")
    install(TARGETS ${name} DESTINATION ${CMAKE_INSTALL_SBINDIR})
  else()
    install(TARGETS ${name} DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

# What the program prints with these words and the shell's name behind them, installed for the shell.
function(copsec_completion name)
  foreach(shell bash zsh)
    set(script ${CMAKE_CURRENT_BINARY_DIR}/${name}.${shell})
    add_custom_command(TARGET ${name} POST_BUILD BYPRODUCTS ${script}
                       COMMAND ${name} ${ARGN} ${shell} > ${script} VERBATIM)
  endforeach()
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.bash
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${name})
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.zsh
          DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _${name})
endfunction()

function(copsec_test name label)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(test-${name} ${ARG_SOURCES})
  target_link_libraries(test-${name} PRIVATE copsec::build ${ARG_LINK} PkgConfig::CHECK)
  add_test(NAME ${name} COMMAND test-${name})
  copsec_test_properties(${name} ${label} ${ARG_TIMEOUT})
endfunction()

# A script as a test; arguments after the script go to it.
function(copsec_script_test name label timeout)
  add_test(NAME ${name} COMMAND ${ARGN})
  copsec_test_properties(${name} ${label} ${timeout})
endfunction()

# A test that lacks a privilege or a tool exits with 77 and says why on its output. Where both are
# known to be there, that is a failure.
function(copsec_test_properties name label timeout)
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout})
  if(NOT COPSEC_SKIP_IS_FAILURE)
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
  endif()
endfunction()
