// How tasks run. Names and defaults are Celery's.
#pragma once

#include <celeriac/json.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/execution/autoscaler.h"

namespace celeriac::worker {

struct PoolSettings {
  enum class Kind { threads, prefork, solo };
  Kind kind = Kind::threads;
  std::size_t concurrency = 0;  // slots; 0: the number of processors
  // --autoscale: slots between these two, as they are needed. Unset: `concurrency` slots.
  std::optional<AutoscaleLimits> autoscale;
  // How long slots stay after the last growth: AUTOSCALE_KEEPALIVE in the environment.
  std::chrono::duration<double> autoscale_keepalive = std::chrono::seconds(30);
  // Prefork alone: after this many runs, or above this resident size, a child is replaced.
  std::optional<std::uint64_t> max_tasks_per_child, max_memory_per_child_kib;
};

// What tasks are unless their own options, annotations or the message say otherwise.
struct TaskSettings {
  bool acks_late = false;
  bool acks_on_failure_or_timeout = true;
  std::optional<bool> acks_on_failure, acks_on_timeout;  // unset: as above
  bool reject_on_worker_lost = false;
  bool track_started = false;
  bool ignore_result = false;
  bool store_errors_even_if_ignored = false;
  std::optional<std::chrono::duration<double>> soft_time_limit, time_limit;
  std::optional<std::string> default_rate_limit;

  // task_annotations, in order: a task's name or `*`, and attributes (rate_limit, time_limit,
  // max_retries …) that override the task's own.
  struct Annotation {
    std::string task;
    JsonObject attributes;
  };
  std::vector<Annotation> annotations;
};

}  // namespace celeriac::worker
