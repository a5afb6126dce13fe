// Tasks as a typed Python module, for IDEs, type checkers and whoever calls them.
#pragma once

#include <celeriac/registry.h>

#include <string>
#include <vector>

namespace celeriac::worker {

// The text of a module that sends the tasks through the caller's Celery app: `delay`, `s`,
// `si`, `apply_async` with the parameters of the C++ function. The same tasks give the same
// text. Throws ConfigError for what Python cannot name.
std::string python_module(const std::vector<const TaskDefinition*>& tasks);

}  // namespace celeriac::worker
