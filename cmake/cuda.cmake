# The kernels, compiled by nvcc for the devices of an explicit list; a spilled register is an error.
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(STATUS "reprise: no CUDA toolkit was found; the kernels are not compiled for devices")
  return()
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 86-real 89-real 90-real 100-real 120)
endif()
enable_language(CUDA)
# CMake 3.25 does not know the language levels of newer compilers.
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)

file(GLOB kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/*.cu)
add_library(reprise_kernels STATIC ${kernels})
target_include_directories(reprise_kernels PUBLIC ${PROJECT_SOURCE_DIR}/kernels
  ${PROJECT_SOURCE_DIR}/include)
target_compile_options(reprise_kernels PRIVATE --Werror=all-warnings
  -Xptxas=--warn-on-spills,-Werror)
