#include "protocol/message/retry.h"

#include <utility>

#include "protocol/message/carried_headers.h"
#include "protocol/message/delayed_delivery.h"
#include "protocol/message/execution_options.h"

namespace celeriac::protocol {
namespace {

CustomHeaders replaced(const CustomHeaders& kept, const JsonObject& headers) {
  CustomHeaders custom = trace_context_of(kept);
  for (const auto& [name, value] : headers) custom.headers.set(name, value);
  return custom;
}

}  // namespace

TaskMessage retry_message(const TaskMessage& message, const RetryOverrides& overrides,
                          Timestamp now) {
  TaskMessage retry = message;
  retry.protocol = 2;
  retry.properties = {};
  retry.correlation_id.clear();
  retry.retries = message.retries + 1;
  retry.eta.reset();
  retry.eta_text.reset();
  apply_options(overrides.options, now, retry);
  if (overrides.args) retry.args = *overrides.args;
  if (overrides.kwargs) retry.kwargs = *overrides.kwargs;
  retry.argsrepr.clear();
  retry.kwargsrepr.clear();
  if (retry.root_id.empty()) retry.root_id = message.id;
  if (retry.parent_id.empty()) retry.parent_id = message.id;
  CustomHeaders kept = headers_of_retry(message, now);
  const Json* headers = find_option(overrides.options, "headers");
  if (headers && headers->is_object()) kept = replaced(kept, *headers->as_object());
  retry.headers = std::move(kept.headers);
  retry.headers_beside = std::move(kept.headers_beside);
  return retry;
}

PublishTask retry_to_publish(const TaskMessage& message, const RetryOverrides& overrides,
                             Timestamp now) {
  PublishTask publish;
  publish.message = retry_message(message, overrides, now);
  publish.routing = routing_of(overrides.options);
  if (!publish.routing.priority) publish.routing.priority = message.priority;
  publish.message.priority = publish.routing.priority;
  return publish;
}

RetryRoute retry_route(const DeliveryInfo& received) {
  if (auto key = key_behind_delay(received.routing_key)) {
    // The last hop's exchange would delay it again. The queue itself is reached
    // through the default exchange; without it the key is the best that is known.
    return {"", received.queue.empty() ? *key : received.queue};
  }
  return {received.exchange, received.routing_key};
}

// Celery 5.7, app/task.py signature_from_request.
std::optional<RoutingOptions> retry_routing(const RoutingOptions& asked,
                                            const DeliveryInfo& received) {
  if (!asked.queue && !asked.exchange && !asked.routing_key) return std::nullopt;
  RoutingOptions routing = asked;
  if (asked.queue) return routing;
  const RetryRoute way = retry_route(received);
  if (way.exchange.empty()) {
    routing.queue = way.routing_key;
  } else {
    if (!routing.exchange) routing.exchange = way.exchange;
    if (!routing.routing_key) routing.routing_key = way.routing_key;
  }
  return routing;
}

}  // namespace celeriac::protocol
