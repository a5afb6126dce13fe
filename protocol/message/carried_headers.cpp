#include "protocol/message/carried_headers.h"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace celeriac::protocol {

// The seven that Celery strips (5.7, app/task.py X_DEATH_HEADERS), and the counts that quorum
// queues and Redis keep per delivery.
bool is_written_by_broker(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "x-death",
      "x-first-death-exchange",
      "x-first-death-queue",
      "x-first-death-reason",
      "x-last-death-exchange",
      "x-last-death-queue",
      "x-last-death-reason",
      "x-delivery-count",
      "redelivered",
  };
  return std::ranges::find(kNames, name) != std::end(kNames);
}

namespace {

bool is_read_by_broker(std::string_view name) {
  return name == "CC" || name == "BCC" || name == "x-delay";
}

bool is_trace_context(std::string_view name) {
  return name == "traceparent" || name == "tracestate" || name == "baggage" ||
         name.starts_with("sentry-");
}

double unix_seconds(Timestamp time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

JsonObject carried(const JsonObject& headers, bool (*drops)(std::string_view), Timestamp now) {
  JsonObject kept;
  for (const auto& [name, value] : headers) {
    if (drops(name)) continue;
    // Sentry's start of the time in the queue: that of the message that is published now.
    kept.set(name, name == "sentry-task-enqueued-time" ? Json(unix_seconds(now)) : value);
  }
  return kept;
}

CustomHeaders carried(const TaskMessage& message, bool (*drops)(std::string_view), Timestamp now) {
  CustomHeaders kept{carried(message.headers, drops, now), std::nullopt};
  if (message.headers_beside) kept.headers_beside = carried(*message.headers_beside, drops, now);
  return kept;
}

}  // namespace

CustomHeaders headers_of_retry(const TaskMessage& message, Timestamp now) {
  return carried(message, is_written_by_broker, now);
}

CustomHeaders headers_of_child(const TaskMessage& message, Timestamp now) {
  const auto drops = [](std::string_view name) {
    return is_written_by_broker(name) || is_read_by_broker(name);
  };
  return carried(message, drops, now);
}

CustomHeaders trace_context_of(const CustomHeaders& headers) {
  const auto only_trace = [](const JsonObject& all) {
    JsonObject trace;
    for (const auto& [name, value] : all) {
      if (is_trace_context(name)) trace.set(name, value);
    }
    return trace;
  };
  CustomHeaders trace{only_trace(headers.headers), std::nullopt};
  if (headers.headers_beside) trace.headers_beside = only_trace(*headers.headers_beside);
  return trace;
}

}  // namespace celeriac::protocol
