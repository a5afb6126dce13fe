#include "protocol/message/delayed_delivery.h"

#include <cstdint>

namespace celeriac::protocol {
namespace {

constexpr int kLevels = 28;
constexpr std::size_t kLongestKey = 255;
constexpr std::string_view kDeliveryExchange = "celery_delayed_delivery";

std::string level_name(int level) {
  return "celery_delayed_" + std::to_string(level);
}

Exchange topic_exchange(std::string_view name) {
  Exchange exchange;
  exchange.name = std::string(name);
  exchange.type = "topic";
  return exchange;
}

// Matches keys whose bit for this level is as given.
std::string pattern(int level, char bit) {
  std::string pattern;
  for (int above = kLevels - 1; above > level; --above) pattern += "*.";
  return pattern + bit + ".#";
}

// From the level above, for what it need not hold.
Binding skipping(int level) {
  return {level_name(level), pattern(level, '0'), {}};
}

Queue level_queue(int level, std::string_view queue_type) {
  Queue queue;
  queue.name = level_name(level);
  queue.exchange = topic_exchange(queue.name);
  if (level < kLevels - 1) queue.exchange.bindings.push_back(skipping(level + 1));
  queue.routing_key = pattern(level, '1');
  queue.arguments.set("x-queue-type", queue_type);
  queue.arguments.set("x-overflow", "reject-publish");
  queue.arguments.set("x-message-ttl", (std::int64_t{1} << level) * 1000);
  queue.arguments.set("x-dead-letter-exchange",
                      level > 0 ? level_name(level - 1) : std::string(kDeliveryExchange));
  if (queue_type == "quorum") queue.arguments.set("x-dead-letter-strategy", "at-least-once");
  return queue;
}

}  // namespace

std::optional<std::string> delayed_routing_key(std::chrono::seconds delay,
                                               std::string_view routing_key) {
  std::string key;
  for (int level = kLevels - 1; level >= 0; --level) {
    key += (delay.count() >> level & 1) != 0 ? "1." : "0.";
  }
  key += routing_key;
  if (key.size() > kLongestKey) return std::nullopt;
  return key;
}

std::optional<std::string> key_behind_delay(std::string_view key) {
  for (int level = 0; level < kLevels; ++level) {
    if (key.size() < 2 || (key[0] != '0' && key[0] != '1') || key[1] != '.') return std::nullopt;
    key.remove_prefix(2);
  }
  return std::string(key);
}

Declarations delayed_delivery(std::string_view queue_type) {
  Declarations declarations;
  for (int level = kLevels - 1; level >= 0; --level) {
    declarations.emplace_back(level_queue(level, queue_type));
  }
  Exchange delivery = topic_exchange(kDeliveryExchange);
  delivery.bindings.push_back(skipping(0));
  declarations.emplace_back(std::move(delivery));
  return declarations;
}

Queue with_delayed_delivery(Queue queue) {
  const std::string& key = queue.routing_key;
  const std::string behind = key.starts_with('#') ? key : "#." + key;
  queue.exchange.bindings.push_back({std::string(kDeliveryExchange), behind, {}});
  queue.bindings.push_back({queue.exchange.name, behind, {}});
  return queue;
}

}  // namespace celeriac::protocol
