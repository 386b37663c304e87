# attune_embed(target include namespace variable=file ...): the files become std::string_view constants of `target`, declared in the header `include`. A changed file is
# compiled in again.
function(attune_embed target include namespace)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${target}_files.cpp)
  set(files)
  foreach(pair ${ARGN})
    string(REGEX REPLACE "^[^=]*=" "" file ${pair})
    list(APPEND files ${file})
  endforeach()
  add_custom_command(OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${generated}" "-DINCLUDE=${include}" "-DNAMESPACE=${namespace}" "-DPAIRS=${ARGN}" -P ${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake VERBATIM)
  target_sources(${target} PRIVATE ${generated})
  set_source_files_properties(${generated} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
