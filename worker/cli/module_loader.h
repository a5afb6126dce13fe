// Loads task modules: shared objects made with CELERIAC_MODULE.
#pragma once

#include <celeriac/registry.h>

#include <string>

namespace celeriac::worker {

// Registers the module's tasks. It stays loaded until the process ends, since its tasks do.
// Throws ConfigError that names the module, the cause and the remedy.
void load_module(const std::string& path, Registry& registry);

}  // namespace celeriac::worker
