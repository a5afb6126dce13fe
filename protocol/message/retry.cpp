#include "protocol/message/retry.h"

#include <utility>

#include "protocol/message/carried_headers.h"
#include "protocol/message/delayed_delivery.h"

namespace celeriac::protocol {

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
