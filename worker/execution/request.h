// One delivery on its way through the worker (Celery's worker/request.py).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message/task_message.h"
#include "worker/broker/broker.h"
#include "worker/execution/task_type.h"
#include "worker/log/process.h"
#include "worker/loop/loop.h"

namespace celeriac::worker {

// Loop thread only. It is owned by whoever holds it up (eta queue, rate limiter, the line for a
// slot) and at last by the coroutine that runs it.
class TaskRequest {
 public:
  enum class Stage { received, scheduled, rate_limited, reserved, active };

  TaskRequest(protocol::TaskMessage&& task_message, Delivery&& delivery, TaskType& task_type);
  TaskRequest(const TaskRequest&) = delete;
  TaskRequest& operator=(const TaskRequest&) = delete;

  protocol::TaskMessage message;
  protocol::DeliveryInfo delivery_info;
  TaskType& type;
  Stage stage = Stage::received;
  std::size_t bytes = 0;                  // about what it costs to hold
  std::uint64_t consumer_generation = 0;  // which window of its consumer it is counted in

  Clock::time_point started{};        // steady; set when it becomes active
  protocol::Timestamp started_at;     // wall clock, for `inspect active`
  std::optional<log::Process> child;  // of the prefork pool, that runs or ran it

  // Settles the delivery, once; later calls do nothing. Late acks go through here too, so the
  // message is acknowledged exactly once whatever way it ends.
  void settle(Broker& broker, Verdict verdict);
  bool settled() const { return verdict_.has_value(); }
  std::optional<Verdict> verdict() const { return verdict_; }
  std::uint64_t connection() const { return deliveries_.front().connection; }

  // The broker has sent the same message again after a connection was lost: whatever becomes of
  // the run that goes on here becomes of this delivery too.
  void adopt(const DeliveryRef& redelivered) { deliveries_.push_back(redelivered); }
  // To be called when the run has ended, for what was adopted after an early ack.
  void settle_adopted(Broker& broker);

  // What the header, else the task, else the worker says. Seconds; 0 and null fall through.
  std::optional<double> time_limit() const;
  std::optional<double> soft_time_limit() const;
  bool ignores_result() const { return message.ignore_result.value_or(type.ignore_result); }
  bool stores_errors() const { return !ignores_result() || type.store_errors_even_if_ignored; }

  const std::string& id() const { return message.id; }

 private:
  std::vector<DeliveryRef> deliveries_;
  std::optional<Verdict> verdict_;
};

// "tasks.add[8d2…]", as Celery's log names a task; on one line, whatever the id holds.
std::string subject(const protocol::TaskMessage& message);

using TaskRequestPtr = std::unique_ptr<TaskRequest>;

}  // namespace celeriac::worker
