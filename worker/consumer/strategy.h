// What becomes of a task message that has just been received, or whose turn has come
// (Celery 5.x, worker/strategy.py, worker/request.py).
#pragma once

#include <cstddef>
#include <optional>

#include "protocol/message/task_message.h"
#include "worker/consumer/revoked.h"
#include "worker/consumer/settings.h"

namespace celeriac::worker {

enum class Discard { revoked, expired };

// Whether the task must not run. Strictly after `expires`, as Celery.
std::optional<Discard> discards(const protocol::TaskMessage& message, const Revoked& revoked,
                                protocol::Timestamp now, Clock::time_point steady_now);

// What waits here now, and what is about to.
struct Held {
  std::size_t messages = 0, bytes = 0;
};

enum class Admission {
  run,              // as soon as there is a slot
  hold_for_eta,     // here
  delay_at_broker,  // too far away, or too much is held already
};

Admission admit(const std::optional<protocol::Timestamp>& eta, protocol::Timestamp now,
                const Held& held, std::size_t message_bytes, const ConsumerSettings& settings);

}  // namespace celeriac::worker
