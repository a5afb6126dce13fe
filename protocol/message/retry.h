// The message that a retry publishes (wire page, section 4.4).
#pragma once

#include <optional>

#include "protocol/message/task_message.h"

namespace celeriac::protocol {

// What a task may change when it asks for another try.
struct RetryOverrides {
  std::optional<Json::Array> args;
  std::optional<JsonObject> kwargs;
  std::optional<Timestamp> eta;
};

// The same id, one try further. Custom headers, stamps, embed, time limits and the
// absolute `expires` are kept; x-death and its kin are dropped; `parent_id` becomes
// the task's own id if it was empty, as Celery 5 does. Without an eta it is due at once.
TaskMessage retry_message(const TaskMessage& message, const RetryOverrides& overrides,
                          Timestamp now);

// Where it goes. A message that came through native delayed delivery has 28
// levels before its key: the original key is what follows them.
struct RetryRoute {
  std::string exchange, routing_key;
};
RetryRoute retry_route(const DeliveryInfo& received);

}  // namespace celeriac::protocol
