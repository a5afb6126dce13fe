// Whether and when a task gets another try (Celery 5.x, app/task.py Task.retry,
// app/autoretry.py).
#pragma once

#include <celeriac/retry.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "protocol/message/result.h"
#include "protocol/message/retry.h"
#include "protocol/message/task_message.h"
#include "worker/execution/task_type.h"

namespace celeriac::worker {

// The task has used up its retries: it fails with this.
struct RetriesExceeded {
  protocol::ExceptionInfo exception;
};

struct AnotherTry {
  protocol::RetryOverrides overrides;
  std::optional<protocol::ExceptionInfo> cause;  // stored as the RETRY result
  std::string reason;

  // Celery's str(Retry): `Retry in 3s: ValueError('busy')`.
  std::string text() const;
  // What is stored as the result of the RETRY state.
  Json result() const;
};

// `random(n)` is uniform in 0…n.
using Random = std::function<std::int64_t(std::int64_t)>;

std::variant<AnotherTry, RetriesExceeded> plan_retry(const protocol::TaskMessage& message,
                                                     const TaskType& type, const Retry& asked);

// What `autoretry_for` makes of an exception that a task did not handle; empty if it fails.
std::optional<Retry> autoretry(const protocol::TaskMessage& message, const TaskType& type,
                               const protocol::ExceptionInfo& exception,
                               const std::exception_ptr& error, const Random& random);

}  // namespace celeriac::worker
