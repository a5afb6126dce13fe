// Which queues a worker consumes, where what it publishes goes, and what it holds back.
// Names and defaults are Celery's, without the prefix.
#pragma once

#include <celeriac/json.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message/queue.h"

namespace celeriac::worker {

// task_queues, -Q, -X and the task_default_* family.
struct QueueSettings {
  // Queues as configured. Empty: the default queue alone. A queue without an exchange name
  // gets the default exchange; one without a routing key, its own name.
  std::vector<protocol::Queue> task_queues;
  std::vector<std::string> select;    // -Q; a name that is not configured is created
  std::vector<std::string> deselect;  // -X
  std::string task_default_queue = "celery";
  std::string task_default_queue_type = "classic";
  std::string task_default_exchange;  // empty: the queue's name
  std::string task_default_exchange_type = "direct";
  std::string task_default_routing_key;  // empty: the queue's name
  std::optional<std::uint8_t> task_queue_max_priority;
  bool task_create_missing_queues = true;
  std::string task_create_missing_queue_type = "classic";
  std::string task_create_missing_queue_exchange_type = "direct";
  bool worker_direct = false;
  // How the queues are declared in which messages with an eta wait at the broker. They exist if
  // any known queue is a quorum queue.
  std::string broker_native_delayed_delivery_queue_type = "quorum";
};

// One entry of task_routes: a name or a glob, and routing options (queue, exchange,
// routing_key, priority …).
struct TaskRoute {
  std::string pattern;
  JsonObject options;
};

// How messages that the worker publishes are routed and written.
struct PublishSettings {
  // In order. Within one table an exact name wins over patterns; the first table that has an
  // answer wins.
  std::vector<std::vector<TaskRoute>> task_routes;
  std::string task_serializer = "json";
  std::string task_compression;
  std::uint8_t task_default_delivery_mode = 2;
  std::optional<std::uint8_t> task_default_priority;
  bool task_inherit_parent_priority = false;
  bool task_allow_error_cb_on_chord_header = false;
};

struct ConsumerSettings {
  std::vector<std::string> accept_content{"json"};  // names or MIME types
  std::size_t prefetch_multiplier = 4;              // 0: no bound
  bool disable_rate_limits = false;
  bool disable_prefetch = false;  // take a message only when a slot is free
  // A message that was delivered so often without coming to its end fails. 0: no limit. RabbitMQ 4
  // drops what came back from a quorum queue more than 20 times, and stores no result.
  std::int64_t delivery_limit = 10;
  // Deliveries held for an eta or a rate limit. What would exceed either goes back to the broker
  // as a delayed message.
  std::size_t held_messages = 10000;
  std::size_t held_bytes = std::size_t{64} << 20;
  // What has to wait for longer than this goes back to the broker at once, because RabbitMQ closes
  // the channel of a consumer that keeps a delivery for longer than its consumer_timeout (30 min).
  std::chrono::seconds eta_hold_limit{900};
};

}  // namespace celeriac::worker
