// Native delayed delivery: messages with an eta wait at RabbitMQ instead of in a worker
// (wire page, section 10; kombu, transport/native_delayed_delivery.py).
//
// A message enters at the highest of 28 levels. Level L holds it for 2^L seconds if bit L of its
// delay, spelled in front of its routing key, is one; then, or else at once, the next level has
// it. Below the last one it goes on to the exchange of its queue. That works for exchanges that
// match patterns, not for direct ones.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/message/queue.h"

namespace celeriac::protocol {

// Where a delayed message is published.
inline constexpr std::string_view kDelayExchange = "celery_delayed_27";
inline constexpr std::chrono::seconds kLongestDelay{(1 << 28) - 1};

// The key under which it is. The delay is from one second to the longest; nothing if the key
// becomes longer than AMQP allows.
std::optional<std::string> delayed_routing_key(std::chrono::seconds delay,
                                               std::string_view routing_key);

// The key behind the delay, or nothing if there is no delay.
std::optional<std::string> key_behind_delay(std::string_view key);

// In the order in which they can be declared.
using Declarations = std::vector<std::variant<Exchange, Queue>>;

// What every worker declares; `queue_type` is classic or quorum.
Declarations delayed_delivery(std::string_view queue_type);

// The queue with the bindings by which it gets what was delayed. Its exchange must not be direct.
Queue with_delayed_delivery(Queue queue);

}  // namespace celeriac::protocol
