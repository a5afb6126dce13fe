#include "worker/execution/publisher.h"

#include "worker/execution/wall_clock.h"

namespace celeriac::worker {
namespace {

std::string choose(const std::string& call, const std::optional<std::string>& task,
                   const std::string& fallback) {
  if (!call.empty()) return call;
  return task.value_or(fallback);
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

Async<void> Publisher::send(protocol::TaskMessage message, Publication publication) {
  protocol::DeliveryInfo sent;
  sent.exchange = publication.exchange;
  sent.routing_key = publication.routing_key;
  if (!publication.declare_queues.empty()) sent.queue = publication.declare_queues.front().name;
  co_await broker_.publish(std::move(publication));
  for (TaskObserver* observer : observers_) observer->task_sent(message, sent);
}

Async<void> Publisher::publish(protocol::PublishTask task) {
  if (task.routing.countdown && !task.message.eta) {
    task.message.eta = wall_clock() + std::chrono::duration_cast<std::chrono::microseconds>(
                                          std::chrono::duration<double>(*task.routing.countdown));
  }
  Publication publication =
      encode(task.message, task.routing, router_.route(task.message.task, task.routing));
  co_await send(std::move(task.message), std::move(publication));
}

Async<void> Publisher::publish_retry(protocol::TaskMessage message, protocol::RetryRoute route,
                                     const protocol::Queue* declared) {
  Destination destination;
  destination.exchange = std::move(route.exchange);
  destination.routing_key = std::move(route.routing_key);
  if (declared) destination.declare.push_back(*declared);
  destination.priority = message.priority;
  const protocol::RoutingOptions options{};
  Publication publication = encode(message, options, std::move(destination));
  co_await send(std::move(message), std::move(publication));
}

}  // namespace celeriac::worker
