// `celeriac tasks`: what is registered, for people.
#pragma once

#include <celeriac/registry.h>

#include <string>

namespace celeriac::worker {

// One task a line, `name(x: int, y: int = 2) -> int`, and below it what it says of itself and
// the options that differ from the defaults.
std::string list_tasks(const Registry& registry);

}  // namespace celeriac::worker
