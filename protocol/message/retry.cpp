#include "protocol/message/retry.h"

#include <utility>

#include "protocol/message/carried_headers.h"

namespace celeriac::protocol {
namespace {

// How many binary digits, each a level of its own, native delayed delivery puts
// before the routing key (kombu, transport/native_delayed_delivery.py).
constexpr std::size_t kDelayLevels = 28;

// The key behind the delay's levels, or nothing if there are none.
std::optional<std::string> key_behind_delay(std::string_view key) {
  for (std::size_t level = 0; level < kDelayLevels; ++level) {
    if (key.size() < 2 || (key[0] != '0' && key[0] != '1') || key[1] != '.') return std::nullopt;
    key.remove_prefix(2);
  }
  return std::string(key);
}

}  // namespace

TaskMessage retry_message(const TaskMessage& message, const RetryOverrides& overrides,
                          Timestamp now) {
  TaskMessage retry = message;
  retry.protocol = 2;
  retry.properties = {};
  retry.correlation_id.clear();
  retry.retries = message.retries + 1;
  retry.eta = overrides.eta;
  retry.eta_text.reset();
  if (overrides.args) retry.args = *overrides.args;
  if (overrides.kwargs) retry.kwargs = *overrides.kwargs;
  retry.argsrepr.clear();
  retry.kwargsrepr.clear();
  if (retry.root_id.empty()) retry.root_id = message.id;
  if (retry.parent_id.empty()) retry.parent_id = message.id;
  CustomHeaders kept = headers_of_retry(message, now);
  retry.headers = std::move(kept.headers);
  retry.headers_beside = std::move(kept.headers_beside);
  return retry;
}

RetryRoute retry_route(const DeliveryInfo& received) {
  if (auto key = key_behind_delay(received.routing_key)) {
    // The last hop's exchange would delay it again. The queue itself is reached
    // through the default exchange; without it the key is the best that is known.
    return {"", received.queue.empty() ? *key : received.queue};
  }
  return {received.exchange, received.routing_key};
}

}  // namespace celeriac::protocol
