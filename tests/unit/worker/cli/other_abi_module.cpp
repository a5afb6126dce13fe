#include <celeriac/module.h>

extern "C" __attribute__((visibility("default"))) int celeriac_module_abi() {
  return celeriac::kModuleAbi + 1;
}
extern "C" __attribute__((visibility("default"))) void celeriac_register_tasks(
    celeriac::Registry&) {}
