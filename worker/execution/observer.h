// Who wants to know what becomes of a task: events, metrics.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/message/properties.h"
#include "protocol/message/task_message.h"

namespace celeriac::worker {

// Told on the loop thread, in the order in which things happen. References live for
// the call. Every member does nothing unless overridden. Moments are those of
// Celery's events (wire page, section 7.3).
class TaskObserver {
 public:
  using Seconds = std::chrono::duration<double>;

  virtual ~TaskObserver() = default;
  // This worker has published the task, and the broker has confirmed it: `queue` is where it went,
  // as far as that is known.
  virtual void task_sent(const protocol::TaskMessage&, const protocol::DeliveryInfo&) {}
  virtual void task_received(const protocol::TaskMessage&, const protocol::DeliveryInfo&) {}
  virtual void task_started(const protocol::TaskMessage&, const protocol::DeliveryInfo&) {}
  virtual void task_succeeded(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                              std::string_view /*result_repr*/, Seconds /*runtime*/) {}
  // `traceback` is empty where Celery sends none (NotRegistered).
  virtual void task_failed(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                           std::string_view /*exception_type*/, std::string_view /*exception_repr*/,
                           std::string_view /*traceback*/) {}
  virtual void task_retried(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                            std::string_view /*exception_repr*/, std::string_view /*traceback*/) {}
  enum class Revocation { revoked, terminated, expired };
  virtual void task_revoked(const protocol::TaskMessage&, const protocol::DeliveryInfo&, Revocation,
                            std::optional<int> /*signal*/) {}
  virtual void task_rejected(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                             bool /*requeue*/) {}
  // Ended by a cold shutdown or a lost connection; the message goes back to its queue.
  virtual void task_cancelled(const protocol::TaskMessage&, const protocol::DeliveryInfo&) {}
  // A custom event of a task (Task.send_event): `task-…` with its own fields.
  virtual void custom_event(const protocol::TaskMessage&, std::string_view /*type*/,
                            const JsonObject& /*fields*/) {}
};

}  // namespace celeriac::worker
