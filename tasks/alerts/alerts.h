// The alert tasks that ship with the worker.
#pragma once

#include <celeriac/registry.h>

#include <string>

#include "tasks/alerts/config.h"

namespace celeriac::alerts {

// Adds tasks.fetch, tasks.cache, tasks.sendalert and the tasks that the rules bind. Without rules
// it adds nothing, so that these names stay free. Throws ConfigError for a name that is taken.
void register_tasks(Registry& registry, Config config);

// What an operator should read at start: how many rules there are and where told alarms are
// remembered. Empty without rules.
std::string start_line(const Config& config);

}  // namespace celeriac::alerts
