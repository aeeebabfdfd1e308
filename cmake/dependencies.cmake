# The libraries that the engine is linked with, each with the Debian package that brings it. Whoever
# links the static library needs them too, and the installed package finds them through this file;
# the shared library brings its own.

function(reprise_need target package)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "reprise: ${target} was not found; install it with: apt-get install ${package}")
  endif()
endfunction()

find_package(Threads REQUIRED)
find_package(OpenMP COMPONENTS CXX QUIET)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  string(REGEX MATCH "^[0-9]+" clang ${CMAKE_CXX_COMPILER_VERSION})
  reprise_need(OpenMP::OpenMP_CXX libomp-${clang}-dev)
else()
  reprise_need(OpenMP::OpenMP_CXX g++)
endif()

find_package(PkgConfig QUIET)
if(NOT PkgConfig_FOUND)
  message(FATAL_ERROR "reprise: pkg-config was not found; install it with: apt-get install pkg-config")
endif()
pkg_check_modules(hdf5 QUIET IMPORTED_TARGET hdf5)
reprise_need(PkgConfig::hdf5 libhdf5-dev)
pkg_check_modules(openblas QUIET IMPORTED_TARGET openblas)
reprise_need(PkgConfig::openblas libopenblas-dev)
pkg_check_modules(hwy QUIET IMPORTED_TARGET libhwy)
reprise_need(PkgConfig::hwy libhwy-dev)
# Register tiles are arrays of vectors, which vectors of a length unknown to the compiler cannot form.
# Without SSSE3, whose processors (2006 to 2008) run the baseline, a fifth less is compiled.
set_property(TARGET PkgConfig::hwy APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS
  "HWY_DISABLED_TARGETS=(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128|HWY_RVV|HWY_SSSE3)")
find_package(ZLIB QUIET)
reprise_need(ZLIB::ZLIB zlib1g-dev)
pkg_check_modules(sqlite QUIET IMPORTED_TARGET sqlite3>=3.37)
reprise_need(PkgConfig::sqlite libsqlite3-dev)
pkg_check_modules(sndfile QUIET IMPORTED_TARGET sndfile)
reprise_need(PkgConfig::sndfile libsndfile1-dev)
pkg_check_modules(samplerate QUIET IMPORTED_TARGET samplerate)
reprise_need(PkgConfig::samplerate libsamplerate0-dev)
pkg_check_modules(kissfft QUIET IMPORTED_TARGET kissfft-float)
reprise_need(PkgConfig::kissfft libkissfft-dev)

find_package(fmt QUIET)
reprise_need(fmt::fmt libfmt-dev)
