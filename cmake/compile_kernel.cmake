# cmake -P compile_kernel.cmake LOG COMMAND...: runs the compiler and keeps in LOG what it says of
# each kernel's registers and shared memory; where it fails, LOG is shown.
set(command)
foreach(i RANGE 4 ${CMAKE_ARGC})
  if(i LESS CMAKE_ARGC)
    list(APPEND command "${CMAKE_ARGV${i}}")
  endif()
endforeach()
execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
file(WRITE "${CMAKE_ARGV3}" "${said}")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${said}")
endif()
