// Makes a shared object loadable with `celeriac worker -A ./libproj.so`:
//
//   CELERIAC_MODULE(registry) { registry.add("tasks.add", add, params("x", "y")); }
#pragma once

#include <celeriac/registry.h>

namespace celeriac {
// Grows whenever a public type changes its layout; the loader refuses another one.
inline constexpr int kModuleAbi = 3;
}  // namespace celeriac

#define CELERIAC_MODULE(registry)                                                 \
  static void celeriac_register_tasks_impl(::celeriac::Registry& registry);       \
  extern "C" __attribute__((visibility("default"))) int celeriac_module_abi() {   \
    return ::celeriac::kModuleAbi;                                                \
  }                                                                               \
  extern "C" __attribute__((visibility("default"))) void celeriac_register_tasks( \
      ::celeriac::Registry& registry) {                                           \
    celeriac_register_tasks_impl(registry);                                       \
  }                                                                               \
  static void celeriac_register_tasks_impl(::celeriac::Registry& registry)
