// Publishes task messages: retries, callbacks, sub-tasks.
#pragma once

#include <celeriac/async.h>

#include <optional>
#include <string>
#include <vector>

#include "protocol/message/canvas.h"
#include "worker/broker/broker.h"
#include "worker/consumer/routing.h"
#include "worker/execution/observer.h"
#include "worker/execution/task_type.h"

namespace celeriac::worker {

// Loop thread only; what it is made of must outlive it.
class Publisher {
 public:
  Publisher(Broker& broker, const Router& router, TaskTypes& types, const PublishSettings& settings)
      : broker_(broker), router_(router), types_(types), settings_(settings) {}

  // Who is told of every task that went out; must outlive it.
  void add_observer(TaskObserver& observer) { observers_.push_back(&observer); }

  // Completes when the broker has confirmed it. Throws Error if it cannot be routed or queued.
  Async<void> publish(protocol::PublishTask task);

  // Sends it for another try: back to where it came from, unless it says otherwise.
  Async<void> publish_retry(protocol::PublishTask task, protocol::DeliveryInfo received);

 private:
  Publication encode(const protocol::TaskMessage& message, const protocol::RoutingOptions& options,
                     Destination destination) const;
  // Completes when the broker has it.
  Async<void> send(protocol::PublishTask task, Destination destination);
  // False if it is not taken.
  Async<bool> publish_delayed(Publication publication);

  Broker& broker_;
  const Router& router_;
  TaskTypes& types_;
  const PublishSettings& settings_;
  std::vector<TaskObserver*> observers_;
};

}  // namespace celeriac::worker
