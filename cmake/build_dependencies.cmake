# What building takes beyond the libraries of dependencies.cmake: headers and tests. Users of the
# installed library need none of it.
find_package(nlohmann_json QUIET)
reprise_need(nlohmann_json::nlohmann_json nlohmann-json3-dev)
find_package(CLI11 QUIET)
reprise_need(CLI11::CLI11 libcli11-dev)
if(REPRISE_TESTS)
  find_package(GTest QUIET)
  reprise_need(GTest::gtest_main libgtest-dev)
endif()
