# Tests that run one program on several ranks of this host.
if(NOT DEFINED AOCQ_MPIRUN_FLAGS)
  execute_process(COMMAND ${MPIEXEC_EXECUTABLE} --version OUTPUT_VARIABLE AOCQ_MPIRUN_VERSION ERROR_QUIET)
  if(AOCQ_MPIRUN_VERSION MATCHES "Open MPI|OpenRTE")
    # More ranks than cores, in containers too; shared memory without the kernel's cross-process copies, which
    # containers forbid.
    set(AOCQ_MPIRUN_FLAGS --allow-run-as-root --oversubscribe --bind-to none --mca btl self,vader
      --mca btl_vader_single_copy_mechanism none)
  endif()
endif()

# aocq_add_mpi_test(NAME PROGRAM target RANKS n... [ARGS arg...] [LABELS label...] [EXIT_CODE code])
# One CTest test NAME.n<ranks> for each number of ranks; it passes when mpirun ends with EXIT_CODE (0 by default).
function(aocq_add_mpi_test name)
  cmake_parse_arguments(ARG "" "PROGRAM;EXIT_CODE" "RANKS;ARGS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS mpi)
  endif()
  if(NOT ARG_EXIT_CODE)
    set(ARG_EXIT_CODE 0)
  endif()
  foreach(ranks IN LISTS ARG_RANKS)
    add_test(NAME ${name}.n${ranks}
      COMMAND sh -c "\"$@\"; code=$?; echo exit code $code; test $code -eq ${ARG_EXIT_CODE}" sh
        ${MPIEXEC_EXECUTABLE} ${AOCQ_MPIRUN_FLAGS} ${MPIEXEC_NUMPROC_FLAG} ${ranks} $<TARGET_FILE:${ARG_PROGRAM}>
        ${ARG_ARGS})
    set_tests_properties(${name}.n${ranks} PROPERTIES LABELS "${ARG_LABELS}" PROCESSORS 2 TIMEOUT 120
      ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;AOCQ_SOURCE_DIR=${CMAKE_SOURCE_DIR};AOCQ_BINARY_DIR=${CMAKE_BINARY_DIR}")
  endforeach()
endfunction()
