#include "protocol/message/execution_options.h"

#include <chrono>
#include <cmath>
#include <utility>

#include "protocol/message/canvas_node.h"

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
Moment moment(const Json& option, Timestamp now) {
  if (auto seconds = option.as_double()) return {later(now, *seconds), std::nullopt};
  const std::string* text = option.as_string();
  if (const Json& value = option["__value__"]; value.is_string()) text = value.as_string();
  if (!text) return {};
  const std::optional<Timestamp> time = parse_iso8601(*text);
  if (!time) return {};
  return {time, *text};
}

std::optional<std::string> text(const JsonObject& options, std::string_view name) {
  const Json* option = find_option(options, name);
  return option && option->is_string() ? std::optional(*option->as_string()) : std::nullopt;
}

void apply_times(const JsonObject& options, Timestamp now, TaskMessage& message) {
  const Json* countdown = find_option(options, "countdown");
  const std::optional<double> seconds = countdown ? countdown->as_double() : std::nullopt;
  if (seconds && *seconds != 0) {
    message.eta = later(now, *seconds);
  } else if (const Json* eta = find_option(options, "eta")) {
    const Moment at = moment(*eta, now);
    message.eta = at.time;
    message.eta_text = at.text;
  }
  if (const Json* expires = find_option(options, "expires")) {
    const Moment at = moment(*expires, now);
    message.expires = at.time;
    message.expires_text = at.text;
  }
  if (const Json* hard = find_option(options, "time_limit")) {
    message.timelimit.hard = hard->as_double();
  }
  if (const Json* soft = find_option(options, "soft_time_limit")) {
    message.timelimit.soft = soft->as_double();
  }
}

}  // namespace

const Json* find_option(const JsonObject& options, std::string_view name) {
  const Json* value = options.find(name);
  return value && !value->is_null() ? value : nullptr;
}

void apply_options(const JsonObject& options, Timestamp now, TaskMessage& message) {
  apply_times(options, now, message);
  if (const Json* link = find_option(options, "link")) message.callbacks = signatures_of(link);
  if (const Json* link = find_option(options, "link_error")) message.errbacks = signatures_of(link);
  if (auto shadow = text(options, "shadow")) message.shadow = *std::move(shadow);
  if (const Json* ignore = find_option(options, "ignore_result")) {
    message.ignore_result = ignore->as_bool();
  }
}

RoutingOptions routing_of(const JsonObject& options) {
  RoutingOptions routing;
  routing.queue = text(options, "queue");
  routing.exchange = text(options, "exchange");
  routing.routing_key = text(options, "routing_key");
  if (const Json* priority = find_option(options, "priority")) {
    const std::optional<std::int64_t> value = priority->as_int();
    if (value && *value >= 0 && *value <= 255) routing.priority = static_cast<std::uint8_t>(*value);
  }
  routing.serializer = text(options, "serializer").value_or("");
  routing.compression = text(options, "compression").value_or("");
  return routing;
}

}  // namespace celeriac::protocol
