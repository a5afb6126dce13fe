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

Json names_of(const std::vector<std::string>& queues) {
  return Json(Json::Array(queues.begin(), queues.end()));
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
  for (const std::string& wanted : chosen) {
    if (!find(wanted)) add(selected(wanted));
  }
  for (const std::string& excluded : settings.deselect) std::erase(chosen, excluded);
  if (settings.worker_direct) {
    protocol::Queue own = direct_queue(nodename);
    chosen.push_back(own.name);
    add(std::move(own));
  }
  for (const std::string& wanted : chosen) {
    const bool twice = std::ranges::count(consumed_, wanted, &protocol::Queue::name) > 0;
    if (!twice) consumed_.push_back(*find(wanted));
  }
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
  queue.exchange.type = settings_.task_create_missing_queue_exchange_type;
  queue.routing_key = queue.name;
  if (settings_.task_create_missing_queue_type != "classic") {
    queue.arguments.set("x-queue-type", settings_.task_create_missing_queue_type);
  }
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

// Celery's words for a name given with -Q.
protocol::Queue Queues::selected(std::string_view name) const {
  if (settings_.task_create_missing_queues) return created(name);
  throw ConfigError("Trying to select queue subset of " + python_repr(names_of(settings_.select)) +
                    ", but queue " + python_repr(Json(name)) +
                    " isn't defined in the `task_queues` setting.\n\nIf you want to automatically "
                    "declare unknown queues you can enable the `task_create_missing_queues` "
                    "setting.");
}

bool Queues::has_quorum_queues() const {
  return std::ranges::any_of(known_, [](const auto& entry) { return entry.second.is_quorum(); });
}

bool Queues::is_delayed_natively(const protocol::Queue& queue) const {
  return queue.exchange.type != "direct" && has_quorum_queues();
}

protocol::Declarations Queues::delayed_delivery() const {
  if (!has_quorum_queues()) return {};
  protocol::Declarations declarations =
      protocol::delayed_delivery(settings_.broker_native_delayed_delivery_queue_type);
  const auto bind = [&](const protocol::Queue& queue) {
    if (!is_delayed_natively(queue) || queue.exclusive) return;
    declarations.emplace_back(protocol::with_delayed_delivery(queue));
  };
  // What is refused ends the rest, so our own come first.
  for (const protocol::Queue& queue : consumed_) bind(queue);
  for (const auto& [name, queue] : known_) {
    if (std::ranges::count(consumed_, name, &protocol::Queue::name) == 0) bind(queue);
  }
  return declarations;
}

protocol::Queue Queues::with_delayed_delivery(protocol::Queue queue) const {
  if (!is_delayed_natively(queue)) return queue;
  return protocol::with_delayed_delivery(std::move(queue));
}

const protocol::Queue* Queues::find(std::string_view name) const {
  const auto place = known_.find(name);
  return place == known_.end() ? nullptr : &place->second;
}

}  // namespace celeriac::worker
