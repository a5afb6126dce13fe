# The warnings that our own code compiles under, as a private target: a user of
# the SDK never inherits them. -Werror is set by presets only, so that a newer
# compiler never breaks somebody's build.
add_library(celeriac_warnings INTERFACE)
target_compile_options(celeriac_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wold-style-cast)

# GCC 12 sees overlapping copies in `"text" + std::string()` that are none (GCC bug 105329).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(celeriac_warnings INTERFACE -Wno-restrict)
endif()
