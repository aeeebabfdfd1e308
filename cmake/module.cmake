# reprise_module(NAME SOURCES ... [USES module ...] [LINKS library ...])
# One static library a module, named reprise_NAME. A module sees the headers of what it USES and no
# others, and a call into a module it does not use does not link. nlohmann_json is headers alone and
# never concerns those who link the module.
function(reprise_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;LINKS" ${ARGN})
  list(TRANSFORM arg_LINKS REPLACE "^(nlohmann_json::.*)$" "$<BUILD_INTERFACE:\\1>")
  add_library(reprise_${name} STATIC ${arg_SOURCES})
  target_include_directories(reprise_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  foreach(used ${arg_USES})
    target_link_libraries(reprise_${name} PUBLIC reprise_${used})
  endforeach()
  target_link_libraries(reprise_${name} PRIVATE ${arg_LINKS})
  reprise_flags(reprise_${name})
  set_property(GLOBAL APPEND PROPERTY REPRISE_MODULES reprise_${name})
endfunction()

set(REPRISE_WERROR $<$<BOOL:${REPRISE_DEVELOPER}>:-Werror>)

function(reprise_flags target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic ${REPRISE_WERROR}
    -ffp-contract=off)
  if(REPRISE_SANITIZER STREQUAL "address")
    target_compile_options(${target} PUBLIC -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  elseif(REPRISE_SANITIZER STREQUAL "thread")
    target_compile_options(${target} PUBLIC -fsanitize=thread)
    target_link_options(${target} PUBLIC -fsanitize=thread)
  endif()
endfunction()
