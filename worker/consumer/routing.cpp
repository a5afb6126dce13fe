#include "worker/consumer/routing.h"

#include <fnmatch.h>

#include "protocol/message/delayed_delivery.h"
#include "protocol/message/retry.h"

namespace celeriac::worker {
namespace {

std::optional<std::string> text_member(const JsonObject& options, std::string_view name) {
  const Json* value = options.find(name);
  const std::string* text = value ? value->as_string() : nullptr;
  return text ? std::optional(*text) : std::nullopt;
}

// What the call does not say is taken from the route.
protocol::RoutingOptions merge(const JsonObject& route, protocol::RoutingOptions options) {
  if (!options.queue) options.queue = text_member(route, "queue");
  if (!options.exchange) options.exchange = text_member(route, "exchange");
  if (!options.routing_key) options.routing_key = text_member(route, "routing_key");
  const Json* priority = route.find("priority");
  if (!options.priority && priority && priority->as_int()) {
    options.priority = static_cast<std::uint8_t>(*priority->as_int());
  }
  return options;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  return fnmatch(std::string(pattern).c_str(), std::string(text).c_str(), FNM_NOESCAPE) == 0;
}

const JsonObject* Router::find_route(std::string_view task) const {
  for (const std::vector<TaskRoute>& table : settings_.task_routes) {
    for (const TaskRoute& route : table) {
      if (route.pattern == task) return &route.options;
    }
    for (const TaskRoute& route : table) {
      if (route.pattern.find('*') == std::string::npos) continue;
      if (matches_glob(route.pattern, task)) return &route.options;
    }
  }
  return nullptr;
}

Destination Router::route(std::string_view task, const protocol::RoutingOptions& call) const {
  protocol::RoutingOptions options = call;
  if (const JsonObject* found = find_route(task)) options = merge(*found, std::move(options));

  Destination destination;
  destination.priority = options.priority ? options.priority : settings_.task_default_priority;
  if (!options.queue && options.exchange) {
    destination.exchange = *options.exchange;
    destination.routing_key = options.routing_key.value_or(queues_.default_queue().routing_key);
    return destination;
  }
  const protocol::Queue queue =
      options.queue ? queues_.named(*options.queue) : queues_.default_queue();
  if ((!options.exchange || !options.routing_key) && queue.exchange.type == "direct") {
    destination.routing_key = queue.name;
  } else {
    destination.exchange = options.exchange.value_or(queue.exchange.name);
    destination.routing_key = options.routing_key.value_or(queue.routing_key);
    if (queues_.is_delayed_natively(queue) && destination.exchange == queue.exchange.name) {
      destination.delayed_key = destination.routing_key;
    }
  }
  destination.declare.push_back(queue);
  return destination;
}

Destination Router::back(const protocol::DeliveryInfo& received) const {
  const protocol::RetryRoute route = protocol::retry_route(received);
  Destination destination;
  destination.exchange = route.exchange;
  destination.routing_key = route.routing_key;
  const protocol::Queue* queue = queues_.find(received.queue);
  if (route.exchange.empty()) {
    if (const protocol::Queue* named = queues_.find(route.routing_key)) {
      destination.declare.push_back(*named);
    }
  }
  if (queue && queues_.is_delayed_natively(*queue)) {
    if (const auto key = protocol::key_behind_delay(received.routing_key)) {
      destination.delayed_key = *key;
    } else if (received.exchange == queue->exchange.name) {
      destination.delayed_key = received.routing_key;
    } else if (received.exchange.empty()) {
      destination.delayed_key = queue->routing_key;
    }
  }
  return destination;
}

}  // namespace celeriac::worker
