# One static library per module; a module sees only what its LINK line names, so that a dependency in the
# wrong direction does not compile.
find_program(AOCQ_CCACHE ccache)
if(AOCQ_CCACHE)
  # Precompiled headers are cached only when ccache may ignore their time stamps.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    ${AOCQ_CCACHE})
endif()

add_library(aocq_flags INTERFACE)
target_compile_options(aocq_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
# Contracting a*b+c into one rounding would make results depend on the instruction set.
target_compile_options(aocq_flags INTERFACE -ffp-contract=off)
if(AOCQ_WARNINGS_AS_ERRORS)
  target_compile_options(aocq_flags INTERFACE -Werror)
endif()
if(AOCQ_SANITIZE)
  target_compile_options(aocq_flags INTERFACE -fsanitize=${AOCQ_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(aocq_flags INTERFACE -fsanitize=${AOCQ_SANITIZE})
endif()

if(AOCQ_FUZZ)
  # Coverage for the fuzzer in all modules; only the targets themselves get its main().
  target_compile_options(aocq_flags INTERFACE -fsanitize=fuzzer-no-link -fno-sanitize-recover=all)
endif()

# aocq_add_module(NAME SOURCES file... [LINK target...] [PRIVATE_LINK target...])
function(aocq_add_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(aocq_${name} STATIC ${ARG_SOURCES})
  add_library(aocq::${name} ALIAS aocq_${name})
  target_include_directories(aocq_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(aocq_${name} PUBLIC ${ARG_LINK} PRIVATE aocq_flags ${ARG_PRIVATE_LINK})
endfunction()

# aocq_add_test(NAME SOURCES file... LINK target... [LABELS label...])
# One program per module; every gtest case becomes one CTest test.
function(aocq_add_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE aocq_flags ${ARG_LINK} aocq_test_support)
  # Of gtest's macros, -O3 makes much code that runs once: a third of a test's compile time. What is tested keeps -O3.
  target_compile_options(test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  gtest_discover_tests(test_${name} DISCOVERY_TIMEOUT 120
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 300
      SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
endfunction()
