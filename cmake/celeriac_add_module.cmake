# celeriac_add_module(NAME SOURCE...): a task module that the stock binary loads
# with `celeriac worker -A ./NAME.so`. It links nothing of celeriac: the worker
# program exports the SDK, so both sides share one copy of every type.
function(celeriac_add_module name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "")
  target_link_libraries(${name} PRIVATE celeriac::module)
endfunction()
