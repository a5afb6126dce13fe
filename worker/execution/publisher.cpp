#include "worker/execution/publisher.h"

#include <celeriac/error.h>

#include <algorithm>
#include <chrono>

#include "protocol/message/delayed_delivery.h"
#include "protocol/message/retry.h"
#include "worker/execution/wall_clock.h"
#include "worker/log/log.h"

namespace celeriac::worker {
namespace {

std::string choose(const std::string& call, const std::optional<std::string>& task,
                   const std::string& fallback) {
  if (!call.empty()) return call;
  return task.value_or(fallback);
}

// Under which it waits at the broker for whole seconds; what is left it waits in a worker.
std::optional<std::string> key_until(const std::optional<protocol::Timestamp>& eta,
                                     const std::string& delayed_key) {
  if (!eta || delayed_key.empty()) return std::nullopt;
  const auto delay = std::chrono::floor<std::chrono::seconds>(*eta - wall_clock());
  if (delay.count() < 1) return std::nullopt;
  return protocol::delayed_routing_key(std::min(delay, protocol::kLongestDelay), delayed_key);
}

}  // namespace

Publication Publisher::encode(const protocol::TaskMessage& message,
                              const protocol::RoutingOptions& options,
                              Destination destination) const {
  const TaskType* type = types_.find(message.task);
  const TaskOptions none;
  const TaskOptions& own = type ? type->options() : none;
  const protocol::Encoding encoding{
      choose(options.serializer, own.serializer, settings_.task_serializer),
      choose(options.compression, own.compression, settings_.task_compression)};
  protocol::EncodedMessage encoded = protocol::encode_task_message(message, encoding, wall_clock());
  encoded.properties.delivery_mode = settings_.task_default_delivery_mode;
  if (!encoded.properties.priority || destination.priority) {
    encoded.properties.priority = destination.priority.value_or(0);
  }

  Publication publication;
  publication.exchange = std::move(destination.exchange);
  publication.routing_key = std::move(destination.routing_key);
  publication.properties = std::move(encoded.properties);
  publication.body = std::move(encoded.body);
  publication.declare_queues = std::move(destination.declare);
  return publication;
}

Async<void> Publisher::send(protocol::PublishTask task, Destination destination) {
  const protocol::TaskMessage& message = task.message;
  const std::string delayed_key = std::move(destination.delayed_key);
  Publication publication = encode(message, task.routing, std::move(destination));
  protocol::DeliveryInfo sent;
  sent.exchange = publication.exchange;
  sent.routing_key = publication.routing_key;
  if (!publication.declare_queues.empty()) sent.queue = publication.declare_queues.front().name;
  bool is_delayed = false;
  if (auto key = key_until(message.eta, delayed_key)) {
    Publication delayed = publication;
    delayed.exchange = protocol::kDelayExchange;
    delayed.routing_key = *std::move(key);
    is_delayed = co_await publish_delayed(std::move(delayed));
  }
  if (!is_delayed) co_await broker_.publish(std::move(publication));
  for (TaskObserver* observer : observers_) observer->task_sent(message, sent);
}

Async<bool> Publisher::publish_delayed(Publication publication) {
  try {
    co_await broker_.publish(std::move(publication));
    co_return true;
  } catch (const Error& error) {
    log::write(log::Level::warning, "celery.worker.consumer.delayed_delivery",
               std::string("A message cannot wait for its eta at the broker, so it waits in a "
                           "worker: ") +
                   error.what());
  }
  co_return false;
}

Async<void> Publisher::publish(protocol::PublishTask task) {
  if (task.routing.countdown && !task.message.eta) {
    task.message.eta = wall_clock() + std::chrono::duration_cast<std::chrono::microseconds>(
                                          std::chrono::duration<double>(*task.routing.countdown));
  }
  Destination destination = router_.route(task.message.task, task.routing);
  co_await send(std::move(task), std::move(destination));
}

Async<void> Publisher::publish_retry(protocol::PublishTask task, protocol::DeliveryInfo received) {
  if (auto routing = protocol::retry_routing(task.routing, received)) {
    task.routing = *std::move(routing);
    co_await publish(std::move(task));
    co_return;
  }
  Destination destination = router_.back(received);
  destination.priority = task.message.priority;
  co_await send(std::move(task), std::move(destination));
}

}  // namespace celeriac::worker
