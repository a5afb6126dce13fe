// The options of a call, by the names that apply_async and a signature give them (Celery 5.7,
// app/base.py send_task, app/amqp.py as_task_v2).
#pragma once

#include <celeriac/json.h>

#include <string_view>

#include "protocol/message/canvas.h"
#include "protocol/message/task_message.h"
#include "protocol/message/timestamp.h"

namespace celeriac::protocol {

// The option, or null when it is absent or null.
const Json* find_option(const JsonObject& options, std::string_view name);

// What they say of the message: countdown, eta, expires, time limits, link, link_error, shadow and
// ignore_result. What they do not say stays as it is.
void apply_options(const JsonObject& options, Timestamp now, TaskMessage& message);

// What they say of its way: queue, exchange, routing_key, priority, serializer, compression.
RoutingOptions routing_of(const JsonObject& options);

}  // namespace celeriac::protocol
