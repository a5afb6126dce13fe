// What parent and child of the pool tests both register.
#pragma once

#include <celeriac/registry.h>

void register_prefork_test_tasks(celeriac::Registry& registry);
