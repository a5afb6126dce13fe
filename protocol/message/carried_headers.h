// The custom headers that go along with what a task publishes.
//
// Celery keeps them on a retry; what else a task publishes gets them from the instrumentation of
// OpenTelemetry, Sentry or Datadog inside a Python worker. There is none of it in this worker, so
// it hands the headers on itself: a trace goes on in whatever the task calls, and whoever sent a
// workflow finds his headers in all of it.
#pragma once

#include <celeriac/json.h>

#include <optional>
#include <string_view>

#include "protocol/message/task_message.h"

namespace celeriac::protocol {

// Whether a header tells of a message's way through the broker (x-death and its kin).
bool is_written_by_broker(std::string_view name);

// As in TaskMessage.
struct CustomHeaders {
  JsonObject headers;
  std::optional<JsonObject> headers_beside;
};

// On a retry: all but what the broker wrote.
CustomHeaders headers_of_retry(const TaskMessage& message, Timestamp now);

// On another task: without those that tell the broker where and when to deliver (CC, BCC,
// x-delay), too.
CustomHeaders headers_of_child(const TaskMessage& message, Timestamp now);

// W3C's and Sentry's, of these.
CustomHeaders trace_context_of(const CustomHeaders& headers);

}  // namespace celeriac::protocol
