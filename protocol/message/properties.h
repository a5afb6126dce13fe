// The AMQP 0-9-1 basic properties of a message, as far as Celery uses them.
#pragma once

#include <celeriac/json.h>

#include <cstdint>
#include <optional>
#include <string>

namespace celeriac::protocol {

// An absent property is an empty string or an empty optional. Header values are
// JSON: AMQP integers of any width are integers, `T` timestamps and `D` decimals
// kombu's typed objects, `x` and `S` strings their bytes, `V` null.
struct Properties {
  std::string content_type;
  std::string content_encoding;
  JsonObject headers;
  std::optional<std::uint8_t> delivery_mode;
  std::optional<std::uint8_t> priority;
  std::string correlation_id;
  std::string reply_to;
  std::string expiration;  // milliseconds in decimal digits
  std::string message_id;
  std::optional<std::uint64_t> timestamp;  // Unix seconds
  std::string type;
  std::string user_id;
  std::string app_id;
  std::string cluster_id;

  bool operator==(const Properties&) const = default;
};

// What the broker said about one delivery (basic.deliver).
struct DeliveryInfo {
  std::string exchange;
  std::string routing_key;
  std::string queue;  // the queue consumed from, known by the consumer tag
  bool redelivered = false;
};

}  // namespace celeriac::protocol
