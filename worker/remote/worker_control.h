// What remote control may see of a worker and ask of it. The worker implements it;
// `remote/control` turns pidbox requests into these calls.
#pragma once

#include <celeriac/async.h>
#include <celeriac/json.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/message/properties.h"
#include "protocol/message/queue.h"
#include "protocol/message/task_message.h"

namespace celeriac::worker {

// One task that this worker holds (Celery's Request.info).
struct TaskSnapshot {
  std::string id;
  std::string name;  // shadow name
  std::string type;  // task name
  Json::Array args;
  JsonObject kwargs;
  std::string argsrepr, kwargsrepr;
  std::optional<double> time_start;  // Unix seconds; unset until it runs
  bool acknowledged = false;
  protocol::DeliveryInfo delivery_info;
  std::optional<std::uint8_t> priority;
  std::optional<int> worker_pid;  // unset until it runs
  std::optional<protocol::Timestamp> eta;
};

struct PoolSnapshot {
  std::string implementation;  // celery.concurrency.thread:TaskPool …
  int max_concurrency = 0;
  std::vector<int> processes;  // pids of prefork children; empty on threads
  std::optional<std::int64_t> max_tasks_per_child;
  double soft_time_limit = 0, time_limit = 0;  // pool defaults in seconds, 0: none
};

struct AutoscaleSnapshot {
  int max = 0, min = 0, current = 0, qty = 0;
};

// The outcome of a command that may be refused: empty error means done.
struct CommandResult {
  std::string error;  // Python's text, e.g. ValueError('Autoscale not enabled')
};

class WorkerControl {
 public:
  virtual ~WorkerControl() = default;

  // Running, accepted but not running, and held until an eta.
  virtual std::vector<TaskSnapshot> active() const = 0;
  virtual std::vector<TaskSnapshot> reserved() const = 0;
  virtual std::vector<TaskSnapshot> scheduled() const = 0;
  virtual std::vector<std::string> revoked() const = 0;
  virtual std::map<std::string, std::uint64_t> totals() const = 0;  // accepted, by name
  virtual std::uint64_t processed() const = 0;
  virtual std::size_t active_count() const = 0;
  virtual std::vector<protocol::Queue> active_queues() const = 0;
  virtual std::uint32_t prefetch_count() const = 0;
  virtual PoolSnapshot pool() const = 0;
  virtual std::optional<AutoscaleSnapshot> autoscaler() const = 0;
  // Registered task names with the attributes of Celery's Task that are not None; `builtin` ones
  // are hidden unless asked for.
  struct RegisteredTask {
    std::string name;
    JsonObject attributes;
    bool builtin = false;
  };
  virtual std::vector<RegisteredTask> registered() const = 0;

  // Adds the ids to the revoked set and stores REVOKED for those not yet successful.
  virtual void revoke(const std::vector<std::string>& ids) = 0;
  // Ends those of the ids that run here; returns the ids that were known.
  virtual std::vector<std::string> terminate(const std::vector<std::string>& ids, int signal) = 0;
  // Ids that another worker has revoked (mingle): nothing is stored for them.
  virtual void merge_revoked(const std::vector<std::string>& ids) = 0;
  // Header name → values. With a signal the running tasks that match are ended; returns
  // the header values that matched one.
  using Stamps = std::map<std::string, std::vector<Json>>;
  virtual Stamps revoke_by_stamped_headers(const Stamps& headers, std::optional<int> signal) = 0;

  enum class Known { yes, no };
  // Empty limit: none. `no`: no such task.
  virtual Known set_rate_limit(const std::string& task, const std::string& limit) = 0;
  // Throws ConfigError for a hard limit that could not end the task.
  virtual Known set_time_limits(const std::string& task, std::optional<double> hard,
                                std::optional<double> soft) = 0;

  virtual Async<void> add_consumer(protocol::Queue queue) = 0;
  virtual Async<void> cancel_consumer(std::string queue) = 0;
  // The queue as the settings define it, else a new one of that name (task_create_missing_queues).
  virtual protocol::Queue queue_named(const std::string& name) const = 0;

  virtual CommandResult pool_grow(int n) = 0;
  virtual CommandResult pool_shrink(int n) = 0;
  virtual CommandResult autoscale(std::optional<int> max, std::optional<int> min) = 0;
  // Warm shutdown, as on TERM.
  virtual void shutdown(const std::string& message) = 0;
};

}  // namespace celeriac::worker
