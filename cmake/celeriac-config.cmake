# find_package(celeriac): the target celeriac::module and celeriac_add_module(NAME SOURCE...), for
# task modules that the installed `celeriac worker -A ./NAME.so` loads.
include(${CMAKE_CURRENT_LIST_DIR}/celeriac-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/celeriac_add_module.cmake)
