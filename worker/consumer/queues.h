// The queues that a worker knows, and those of them that it consumes (Celery 5.x, app/amqp.py
// Queues).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message/delayed_delivery.h"
#include "protocol/message/queue.h"
#include "worker/consumer/settings.h"

namespace celeriac::worker {

class Queues {
 public:
  // Throws ConfigError for a queue that is neither configured nor may be created.
  Queues(const QueueSettings& settings, std::string_view nodename);

  // In the order in which they were chosen.
  const std::vector<protocol::Queue>& consumed() const { return consumed_; }

  // As configured, or as it would be created. Throws ConfigError if it may not be.
  protocol::Queue named(std::string_view name) const;
  // As configured, or null.
  const protocol::Queue* find(std::string_view name) const;
  const protocol::Queue& default_queue() const { return default_queue_; }

  // Whether messages for this queue can wait for their eta at the broker (native delayed delivery).
  // As in Celery, that takes a quorum queue among those that are known, and an exchange that is
  // not direct.
  bool is_delayed_natively(const protocol::Queue& queue) const;
  // What to declare for it; empty where no queue is a quorum queue.
  protocol::Declarations delayed_delivery() const;
  // With the bindings that bring what has waited, where there are any.
  protocol::Queue with_delayed_delivery(protocol::Queue queue) const;

 private:
  void add(protocol::Queue queue);
  protocol::Queue selected(std::string_view name) const;
  bool has_quorum_queues() const;
  protocol::Queue created(std::string_view name) const;

  QueueSettings settings_;
  protocol::Queue default_queue_;
  std::map<std::string, protocol::Queue, std::less<>> known_;
  std::vector<protocol::Queue> consumed_;
};

}  // namespace celeriac::worker
