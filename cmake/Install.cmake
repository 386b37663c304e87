# What `cmake --install` leaves: the program, one static library made of every layer, the public headers, and a package for find_package(attune).
# Only include/attune is public; the layers' own headers stay here.
include(CMakePackageConfigHelpers)

set(objects)
foreach(layer base config tensor quant kernels ops nn models peft text data metrics io tasks train report app)
  get_target_property(kind attune_${layer} TYPE)
  if(NOT kind STREQUAL "INTERFACE_LIBRARY")
    list(APPEND objects $<TARGET_OBJECTS:attune_${layer}>)
  endif()
endforeach()
add_library(attune_library STATIC ${objects})
set_target_properties(attune_library PROPERTIES OUTPUT_NAME attune LINKER_LANGUAGE CXX)

install(TARGETS attune_library ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET attune)
  install(TARGETS attune RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY include/attune DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} OPTIONAL)

# A library built with sanitizers needs their run-time in every program that links it.
set(attune_link_options)
if(ATTUNE_SANITIZE)
  set(attune_link_options -fsanitize=${ATTUNE_SANITIZE})
endif()
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/attune)
configure_package_config_file(cmake/attuneConfig.cmake.in ${PROJECT_BINARY_DIR}/attuneConfig.cmake INSTALL_DESTINATION ${config_folder}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/attuneConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/attuneConfig.cmake ${PROJECT_BINARY_DIR}/attuneConfigVersion.cmake
  cmake/FindDNNL.cmake DESTINATION ${config_folder})
