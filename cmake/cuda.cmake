# The CUDA toolkit, where one is found, and the kernels compiled by it for the devices of an explicit
# list: real code for each architecture, and PTX of the last for those to come. nvcc is called
# directly: CMake 3.25 does not know the language levels of newer compilers, and a library with CUDA
# sources could only be used from projects that enable the language, too. Sets REPRISE_CUDA_TOOLKIT
# and, where it is true, REPRISE_CUDA_INCLUDE, REPRISE_CUDA_RUNTIME, REPRISE_KERNEL_OBJECTS and
# REPRISE_CUDNN_INCLUDE (false without cuDNN, which only the unfused path needs).
set(REPRISE_CUDA_ARCHITECTURES 80 86 89 90 100 120 CACHE STRING
    "Compute capabilities to compile the kernels for")
file(GLOB REPRISE_CUDA_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/backend/cuda/*.cpp)
list(FILTER REPRISE_CUDA_SOURCES EXCLUDE REGEX "absent\\.cpp$")

set(REPRISE_CUDA_TOOLKIT FALSE)
if(NOT REPRISE_CUDA)
  return()
endif()
find_program(REPRISE_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda /opt/cuda
  PATH_SUFFIXES bin)
if(REPRISE_NVCC)
  file(REAL_PATH ${REPRISE_NVCC} nvcc)
  get_filename_component(toolkit ${nvcc}/../.. ABSOLUTE)
  find_path(REPRISE_CUDA_INCLUDE cuda_runtime_api.h HINTS ${toolkit} PATH_SUFFIXES include)
  find_library(REPRISE_CUDART cudart_static HINTS ${toolkit} PATH_SUFFIXES lib64 lib)
endif()
if(NOT REPRISE_NVCC OR NOT REPRISE_CUDA_INCLUDE OR NOT REPRISE_CUDART)
  if(REPRISE_CUDA STREQUAL "AUTO")
    message(STATUS "reprise: no CUDA toolkit was found; the CUDA back end is off")
    return()
  endif()
  message(FATAL_ERROR "reprise: no CUDA toolkit was found; set CUDA_HOME, or -DREPRISE_CUDA=OFF")
endif()
set(REPRISE_CUDA_TOOLKIT TRUE)
find_path(REPRISE_CUDNN_INCLUDE cudnn.h HINTS ${REPRISE_CUDA_INCLUDE})
if(NOT REPRISE_CUDNN_INCLUDE)
  message(STATUS "reprise: no cuDNN was found; the unfused path, the kernels' baseline, is off")
endif()
set(REPRISE_CUDA_RUNTIME ${REPRISE_CUDART} Threads::Threads ${CMAKE_DL_LIBS} rt)

set(targets)
foreach(architecture ${REPRISE_CUDA_ARCHITECTURES})
  list(APPEND targets -gencode arch=compute_${architecture},code=sm_${architecture})
endforeach()
list(GET REPRISE_CUDA_ARCHITECTURES -1 latest)
list(APPEND targets -gencode arch=compute_${latest},code=compute_${latest})
set(REPRISE_NVCC_FLAGS -std=c++20 -O3 -I ${PROJECT_SOURCE_DIR}/kernels
  -I ${PROJECT_SOURCE_DIR}/include)
set(ptxas -Xptxas=-v,--warn-on-spills)
if(REPRISE_DEVELOPER)
  list(APPEND REPRISE_NVCC_FLAGS --Werror all-warnings)
  string(APPEND ptxas ,-Werror)
endif()
file(GLOB kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/*.cu)
set(REPRISE_KERNEL_OBJECTS)
foreach(kernel ${kernels})
  get_filename_component(name ${kernel} NAME_WE)
  set(object ${PROJECT_BINARY_DIR}/kernels/${name}.o)
  # What ptxas says of registers and shared memory is kept beside the object, for a test.
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_COMMAND} -P ${PROJECT_SOURCE_DIR}/cmake/compile_kernel.cmake ${object}.log
      ${CMAKE_CXX_COMPILER_LAUNCHER} ${REPRISE_NVCC} ${REPRISE_NVCC_FLAGS} ${targets}
      ${ptxas} -Xcompiler=-fPIC -ccbin ${CMAKE_CXX_COMPILER}
      -MD -MF ${object}.d -c ${kernel} -o ${object}
    DEPENDS ${kernel} DEPFILE ${object}.d VERBATIM
    COMMENT "Compiling ${name}.cu for CUDA devices")
  list(APPEND REPRISE_KERNEL_OBJECTS ${object})
endforeach()
file(WRITE ${PROJECT_BINARY_DIR}/kernels/nvcc "${nvcc}\n")
add_custom_target(reprise_kernels DEPENDS ${REPRISE_KERNEL_OBJECTS})
