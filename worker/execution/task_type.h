// What a registered task is on this worker, once settings and annotations have spoken.
#pragma once

#include <celeriac/registry.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/execution/settings.h"

namespace celeriac::worker {

struct TaskType {
  const TaskDefinition* definition = nullptr;

  bool acks_late = false;
  bool acks_on_failure = true, acks_on_timeout = true;
  bool reject_on_worker_lost = false;
  bool track_started = false;
  bool ignore_result = false;
  bool store_errors_even_if_ignored = false;
  // Seconds. Remote control may change these three.
  std::optional<double> soft_time_limit, time_limit;
  std::optional<double> rate_limit;  // per second
  std::string rate_limit_text;       // as written, for `inspect`

  std::optional<std::int64_t> max_retries = 3;
  double default_retry_delay = 180;

  std::uint64_t total = 0;  // started since the worker began
  // Whether the log says already that messages bring a hard limit that the pool cannot hold.
  bool told_of_unheld_limit = false;

  const std::string& name() const { return definition->name; }
  const TaskOptions& options() const { return definition->options; }
};

// "10/s", "100/m", "0.5/h" or "5" as tasks a second; empty for no limit ("", "0").
// Throws ConfigError for anything else.
std::optional<double> parse_rate_limit(std::string_view text);

// In this order, later ones win: worker settings, the task's own options, annotations.
// Throws ConfigError for an annotation that names no attribute of a task.
TaskType make_task_type(const TaskDefinition& definition, const TaskSettings& settings);

// All tasks of a worker by name. Their addresses are stable.
class TaskTypes {
 public:
  TaskTypes(const Registry& registry, const TaskSettings& settings);

  TaskType* find(std::string_view name);
  auto begin() const { return types_.begin(); }
  auto end() const { return types_.end(); }

 private:
  std::map<std::string, TaskType, std::less<>> types_;
};

}  // namespace celeriac::worker
