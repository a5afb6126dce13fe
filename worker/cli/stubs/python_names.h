// Where tasks stand in a Python module that is written for them.
#pragma once

#include <celeriac/registry.h>

#include <string>
#include <vector>

namespace celeriac::worker {

struct PlacedTask {
  const TaskDefinition* task;
  // The task's name as identifiers, `tasks.add` as {"tasks", "add"}: namespaces, then itself.
  std::vector<std::string> path;
  std::string class_name;  // the class of this task alone
  // Whether the last part alone is a name of the module too: it is no other task's last part
  // and no other name of the module.
  bool has_short_name = false;
};

// In the order of their names. What is no identifier is made one: other characters than ASCII
// letters, digits and `_` become `_`; a keyword, a name that the module itself needs, and a
// namespace that is a task too, get a `_` behind them.
//
// Throws ConfigError, with the remedy, for two tasks that come to the same name, and for
// parameters that Python cannot name.
std::vector<PlacedTask> place_in_python(const std::vector<const TaskDefinition*>& tasks);

}  // namespace celeriac::worker
