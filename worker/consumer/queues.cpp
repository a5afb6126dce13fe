#include "worker/consumer/queues.h"

#include <celeriac/error.h>

#include <algorithm>

namespace celeriac::worker {
namespace {

// A queue that only this worker consumes: queue `NODENAME.dq2` behind exchange C.dq2
// (Celery 5.x, utils/nodenames.py worker_direct).
protocol::Queue direct_queue(std::string_view nodename) {
  protocol::Queue queue;
  queue.name = std::string(nodename) + ".dq2";
  queue.exchange.name = "C.dq2";
  queue.routing_key = std::string(nodename);
  return queue;
}

}  // namespace

Queues::Queues(const QueueSettings& settings, std::string_view nodename) : settings_(settings) {
  const std::string& name = settings.task_default_queue;
  default_queue_.name = name;
  default_queue_.exchange.name =
      settings.task_default_exchange.empty() ? name : settings.task_default_exchange;
  default_queue_.exchange.type = settings.task_default_exchange_type;
  default_queue_.routing_key =
      settings.task_default_routing_key.empty() ? name : settings.task_default_routing_key;
  if (settings.task_default_queue_type != "classic") {
    default_queue_.arguments.set("x-queue-type", settings.task_default_queue_type);
  }

  std::vector<std::string> chosen;
  for (protocol::Queue queue : settings.task_queues) {
    if (queue.exchange.name.empty()) queue.exchange = default_queue_.exchange;
    if (queue.routing_key.empty()) queue.routing_key = queue.name;
    chosen.push_back(queue.name);
    add(std::move(queue));
  }
  if (settings.task_queues.empty()) {
    chosen.push_back(name);
    add(default_queue_);
  }
  if (const protocol::Queue* configured = find(name)) default_queue_ = *configured;

  if (!settings.select.empty()) chosen = settings.select;
  for (const std::string& excluded : settings.deselect) std::erase(chosen, excluded);
  for (const std::string& wanted : chosen) {
    const bool twice = std::ranges::count(consumed_, wanted, &protocol::Queue::name) > 0;
    if (!twice) consumed_.push_back(named(wanted));
  }
  if (settings.worker_direct) consumed_.push_back(direct_queue(nodename));
  for (const protocol::Queue& queue : consumed_) known_.try_emplace(queue.name, queue);
  if (consumed_.empty()) {
    throw ConfigError(
        "no queue is left to consume from: -X excludes all that -Q or task_queues "
        "choose");
  }
}

void Queues::add(protocol::Queue queue) {
  if (settings_.task_queue_max_priority && !queue.arguments.contains("x-max-priority")) {
    queue.arguments.set("x-max-priority", *settings_.task_queue_max_priority);
  }
  const std::string name = queue.name;
  known_.insert_or_assign(name, std::move(queue));
}

protocol::Queue Queues::created(std::string_view name) const {
  protocol::Queue queue;
  queue.name = std::string(name);
  queue.exchange.name = queue.name;
  queue.routing_key = queue.name;
  if (settings_.task_queue_max_priority) {
    queue.arguments.set("x-max-priority", *settings_.task_queue_max_priority);
  }
  return queue;
}

protocol::Queue Queues::named(std::string_view name) const {
  if (const protocol::Queue* queue = find(name)) return *queue;
  if (!settings_.task_create_missing_queues) {
    throw ConfigError("queue '" + std::string(name) +
                      "' is missing from task_queues, and task_create_missing_queues is off");
  }
  return created(name);
}

const protocol::Queue* Queues::find(std::string_view name) const {
  const auto place = known_.find(name);
  return place == known_.end() ? nullptr : &place->second;
}

}  // namespace celeriac::worker
