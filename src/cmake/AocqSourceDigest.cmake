# A digest of the sources that can change a number (nn, quant, data, metrics and the evaluation), made at build time: it is part of every
# stage key, so that an edited kernel never reuses an old result.
function(aocq_source_digest target)
  file(GLOB_RECURSE inputs CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/src/nn/*.?pp ${CMAKE_SOURCE_DIR}/src/quant/*.?pp ${CMAKE_SOURCE_DIR}/src/data/*.?pp
    ${CMAKE_SOURCE_DIR}/src/metrics/*.?pp ${CMAKE_SOURCE_DIR}/src/engine/Evaluate.?pp)
  list(SORT inputs)
  set(header ${CMAKE_BINARY_DIR}/generated/SourceDigest.inc)
  add_custom_command(OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR}/src -DOUT=${header}
            -P ${CMAKE_SOURCE_DIR}/src/cmake/WriteSourceDigest.cmake
    DEPENDS ${inputs} ${CMAKE_SOURCE_DIR}/src/cmake/WriteSourceDigest.cmake
    COMMENT "Digest of the sources that change numbers")
  target_sources(${target} PRIVATE ${header})
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated)
  target_compile_definitions(${target} PRIVATE AOCQ_VERSION="${PROJECT_VERSION}"
    AOCQ_BUILD_TYPE="$<CONFIG>")
endfunction()
