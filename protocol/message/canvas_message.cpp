// A task's signature as a message: Celery 5.7, app/base.py send_task and app/amqp.py as_task_v2.

#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include "protocol/message/canvas_composer.h"

namespace celeriac::protocol {
namespace {

Timestamp later(Timestamp now, double seconds) {
  return now + std::chrono::microseconds(std::llround(seconds * 1e6));
}

// Seconds from now, or a time as text.
struct Moment {
  std::optional<Timestamp> time;
  std::optional<std::string> text;
};
Moment moment(const Json* option, Timestamp now) {
  if (!option) return {};
  if (auto seconds = option->as_double()) return {later(now, *seconds), std::nullopt};
  const std::string* text = option->as_string();
  if (const Json& value = (*option)["__value__"]; value.is_string()) text = value.as_string();
  if (!text) return {};
  const std::optional<Timestamp> time = parse_iso8601(*text);
  if (!time) return {};
  return {time, *text};
}

std::optional<std::string> text(const CanvasNode& task, std::string_view name) {
  const Json* option = task.option(name);
  return option && option->is_string() ? std::optional(*option->as_string()) : std::nullopt;
}

Json list_or_null(const Json* option) {
  return option ? Json(signatures_of(option)) : Json();
}

void set_stamps(const CanvasNode& task, TaskMessage& message) {
  const Json* names = task.option("stamped_headers");
  const Json::Array* list = names ? names->as_array() : nullptr;
  if (!list) return;
  for (const Json& name : *list) {
    const std::string* stamp = name.as_string();
    if (!stamp) continue;
    message.stamped_headers.push_back(*stamp);
    if (const Json* value = task.options.find(*stamp)) message.stamps.set(*stamp, *value);
  }
}

void set_times(const CanvasNode& task, Timestamp now, TaskMessage& message) {
  const Json* countdown = task.option("countdown");
  const std::optional<double> seconds = countdown ? countdown->as_double() : std::nullopt;
  if (seconds && *seconds != 0) {
    message.eta = later(now, *seconds);
  } else if (const Json* eta = task.option("eta")) {
    const Moment at = moment(eta, now);
    message.eta = at.time;
    message.eta_text = at.text;
  }
  const Moment expires = moment(task.option("expires"), now);
  message.expires = expires.time;
  message.expires_text = expires.text;
  if (const Json* limit = task.option("time_limit")) message.timelimit.hard = limit->as_double();
  if (const Json* soft = task.option("soft_time_limit")) message.timelimit.soft = soft->as_double();
}

RoutingOptions routing_of(const CanvasNode& task) {
  RoutingOptions routing;
  routing.queue = text(task, "queue");
  routing.exchange = text(task, "exchange");
  routing.routing_key = text(task, "routing_key");
  if (const Json* priority = task.option("priority")) {
    const std::optional<std::int64_t> value = priority->as_int();
    if (value && *value >= 0 && *value <= 255) routing.priority = static_cast<std::uint8_t>(*value);
  }
  routing.serializer = task.text_option("serializer");
  routing.compression = task.text_option("compression");
  return routing;
}

}  // namespace

PublishTask task_to_publish(const CanvasNode& task, const CanvasContext& context) {
  TaskMessage message;
  message.task = task.task;
  message.id = task.text_option("task_id");
  message.args = task.args;
  message.kwargs = task.kwargs;
  message.callbacks = list_or_null(task.option("link"));
  message.errbacks = list_or_null(task.option("link_error"));
  if (const Json* chain = task.option("chain")) message.chain = *chain;
  if (const Json* chord = task.option("chord")) message.chord = *chord;
  message.shadow = task.text_option("shadow");
  set_times(task, context.now, message);
  if (const Json* retries = task.option("retries")) message.retries = retries->as_int().value_or(0);

  message.root_id = task.text_option("root_id");
  if (message.root_id.empty()) {
    message.root_id = context.root_id.empty() ? context.parent_id : context.root_id;
  }
  if (message.root_id.empty()) message.root_id = message.id;
  message.parent_id = task.text_option("parent_id");
  if (message.parent_id.empty()) message.parent_id = context.parent_id;
  message.group = task.text_option("group_id");
  if (const Json* index = task.option("group_index")) message.group_index = index->as_int();

  message.origin = task.option("origin") ? task.text_option("origin") : context.origin;
  message.argsrepr = task.text_option("argsrepr");
  message.kwargsrepr = task.text_option("kwargsrepr");
  if (const Json* ignore = task.option("ignore_result")) message.ignore_result = ignore->as_bool();
  if (const Json* nesting = task.option("replaced_task_nesting")) {
    message.replaced_task_nesting = nesting->as_int().value_or(0);
  }
  set_stamps(task, message);
  message.headers = context.headers.headers;
  message.headers_beside = context.headers.headers_beside;
  if (const Json* headers = task.option("headers"); headers && headers->is_object()) {
    for (const auto& [name, value] : *headers->as_object()) message.headers.set(name, value);
  }
  message.reply_to = task.option("reply_to") ? task.text_option("reply_to") : context.oid;
  message.correlation_id = message.id;

  PublishTask publish;
  publish.routing = routing_of(task);
  if (!publish.routing.priority) publish.routing.priority = context.inherited_priority;
  message.priority = publish.routing.priority;
  publish.message = std::move(message);
  return publish;
}

}  // namespace celeriac::protocol
