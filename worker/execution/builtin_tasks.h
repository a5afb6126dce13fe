// The tasks that every Celery worker has (Celery 5.7, app/builtins.py).
#pragma once

#include <celeriac/registry.h>

namespace celeriac::worker {

// Names that are taken already stay as they are. They run under this worker's own contexts only.
void add_builtin_tasks(Registry& registry);

}  // namespace celeriac::worker
