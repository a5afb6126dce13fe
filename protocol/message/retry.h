// The message that a retry publishes (wire page, section 4.4).
#pragma once

#include <optional>

#include "protocol/message/canvas.h"
#include "protocol/message/task_message.h"

namespace celeriac::protocol {

// What a task may change when it asks for another try.
struct RetryOverrides {
  std::optional<Json::Array> args;
  std::optional<JsonObject> kwargs;
  JsonObject options;  // of the call, by Celery's names: countdown, expires, headers, link …
};

// The same id, one try further. Custom headers, stamps, embed, time limits and the
// absolute `expires` are kept unless an option says otherwise; x-death and its kin are dropped;
// `parent_id` becomes the task's own id if it was empty, as Celery 5 does. Without a countdown or
// an eta it is due at once. `headers` replace the custom headers, but for the trace context, which
// a Python worker's instrumentation would write anew.
TaskMessage retry_message(const TaskMessage& message, const RetryOverrides& overrides,
                          Timestamp now);

// The same with its routing options: the priority stays unless an option says otherwise.
PublishTask retry_to_publish(const TaskMessage& message, const RetryOverrides& overrides,
                             Timestamp now);

// Where it goes. A message that came through native delayed delivery has 28
// levels before its key: the original key is what follows them.
struct RetryRoute {
  std::string exchange, routing_key;
};
RetryRoute retry_route(const DeliveryInfo& received);

// The routing options of a retry that names its way: what they do not say is the way that the
// message came. Empty if they name none: then it goes where it came from.
std::optional<RoutingOptions> retry_routing(const RoutingOptions& asked,
                                            const DeliveryInfo& received);

}  // namespace celeriac::protocol
