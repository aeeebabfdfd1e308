# install() with a package config, so that find_package(reprise) gives reprise::reprise.
include(CMakePackageConfigHelpers)
get_property(modules GLOBAL PROPERTY REPRISE_MODULES)
install(TARGETS reprise_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(BUILD_SHARED_LIBS)
  install(TARGETS reprise_shared EXPORT reprise_targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
else()
  install(TARGETS reprise reprise_host ${modules} EXPORT reprise_targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY include/reprise DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT reprise_targets NAMESPACE reprise:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reprise)
configure_package_config_file(cmake/reprise-config.cmake.in
  ${CMAKE_BINARY_DIR}/reprise-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reprise)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/reprise-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/reprise-config.cmake
  ${CMAKE_BINARY_DIR}/reprise-config-version.cmake cmake/dependencies.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reprise)
