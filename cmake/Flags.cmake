# Compiler flags shared by every target, as one interface library.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_library(attune_flags INTERFACE)
target_compile_options(attune_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -fstack-protector-strong -ffp-contract=off
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)  # GCC 12 reports std::string concatenation, GCC bug 105651
if(ATTUNE_WERROR)
  target_compile_options(attune_flags INTERFACE -Werror)
endif()
if(ATTUNE_SANITIZE)
  target_compile_options(attune_flags INTERFACE -fsanitize=${ATTUNE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(attune_flags INTERFACE -fsanitize=${ATTUNE_SANITIZE})
else()
  target_compile_definitions(attune_flags INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
endif()
target_compile_definitions(attune_flags INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(ATTUNE_COVERAGE)
  target_compile_options(attune_flags INTERFACE --coverage)
  target_link_options(attune_flags INTERFACE --coverage)
endif()
target_link_options(attune_flags INTERFACE -Wl,-z,relro,-z,now)
