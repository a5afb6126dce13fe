// Where a message that the worker publishes goes (Celery 5.x, app/routes.py, app/amqp.py
// send_task_message).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message/canvas.h"
#include "protocol/message/properties.h"
#include "worker/consumer/queues.h"
#include "worker/consumer/settings.h"

namespace celeriac::worker {

struct Destination {
  std::string exchange, routing_key;
  std::vector<protocol::Queue> declare;  // the target queue, if it is known
  std::optional<std::uint8_t> priority;
  // The key under which it waits for its eta at the broker (native delayed delivery), behind the
  // delay; empty where it cannot.
  std::string delayed_key;
};

class Router {
 public:
  Router(const PublishSettings& settings, const Queues& queues)
      : settings_(settings), queues_(queues) {}

  // The options of the call beat task_routes; what neither says is the default queue.
  // Throws ConfigError for a queue that does not exist and may not be created.
  Destination route(std::string_view task, const protocol::RoutingOptions& options) const;

  // Back to where a message came from, for another try.
  Destination back(const protocol::DeliveryInfo& received) const;

 private:
  const JsonObject* find_route(std::string_view task) const;

  const PublishSettings& settings_;
  const Queues& queues_;
};

// `*`, `?` and `[...]` as Python's fnmatch has them.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace celeriac::worker
