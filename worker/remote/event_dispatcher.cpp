#include "worker/remote/event_dispatcher.h"

#include <celeriac/error.h>

#include <utility>

namespace celeriac::worker {

namespace {

constexpr std::size_t kBufferLimit = 24;

// Where celery's consumers look: a durable topic exchange.
protocol::Exchange event_exchange(const RemoteSettings& settings) {
  protocol::Exchange exchange;
  exchange.name = settings.event_exchange;
  exchange.type = "topic";
  return exchange;
}

// What task-sent and task-received say of a task.
JsonObject described(const protocol::TaskMessage& message) {
  auto moment = [](const std::optional<protocol::Timestamp>& time) {
    return time ? Json(protocol::to_iso8601(*time)) : Json();
  };
  auto id_or_null = [](const std::string& id) { return id.empty() ? Json() : Json(id); };
  return {{"uuid", message.id},
          {"name", message.name()},
          {"args", message.argsrepr},
          {"kwargs", message.kwargsrepr},
          {"root_id", id_or_null(message.root_id)},
          {"parent_id", id_or_null(message.parent_id)},
          {"retries", message.retries},
          {"eta", moment(message.eta)},
          {"expires", moment(message.expires)}};
}

// An event that cannot be sent is dropped: nobody waits for it.
Async<void> hand_over(Broker* broker, Publication publication) {
  try {
    co_await broker->publish(std::move(publication));
  } catch (const Error&) {
    // Counted by the broker as dropped.
  }
}

}  // namespace

EventDispatcher::EventDispatcher(const RemoteSettings& settings, protocol::EventSource source,
                                 std::string client, Mutes mutes, Loop& loop, TaskGroup& group,
                                 Broker& broker, LamportClock& clock, WallClock now)
    : settings_(settings),
      source_(std::move(source)),
      client_{std::move(client), source_.pid, source_.utcoffset},
      mutes_(std::move(mutes)),
      loop_(loop),
      group_(group),
      broker_(broker),
      clock_(clock),
      now_(std::move(now)),
      task_events_(settings.send_task_events) {}

bool EventDispatcher::enable_task_events() {
  return !std::exchange(task_events_, true);
}

bool EventDispatcher::disable_task_events() {
  // A worker started with -E sends everything for good, as Celery's does: its group
  // filter is empty, which means all groups.
  if (settings_.send_task_events) return false;
  return std::exchange(task_events_, false);
}

void EventDispatcher::send(std::string_view type, JsonObject fields) {
  publish(source_.hostname,
          protocol::make_event(source_, type, std::move(fields), clock_.forward(), now_()),
          protocol::event_routing_key(type));
}

void EventDispatcher::buffer(std::string_view type, JsonObject fields) {
  buffered_.push_back(
      protocol::make_event(source_, type, std::move(fields), clock_.forward(), now_()));
  if (buffered_.size() >= kBufferLimit) {
    flush();
  } else if (!std::exchange(flush_planned_, true)) {
    loop_.at_turn_end([this] {
      flush_planned_ = false;
      flush();
    });
  }
}

void EventDispatcher::flush() {
  if (buffered_.empty()) return;
  publish(source_.hostname, Json(std::exchange(buffered_, {})), "task.multi");
}

void EventDispatcher::publish(const std::string& hostname, const Json& body,
                              std::string routing_key) {
  Publication publication;
  publication.exchange = settings_.event_exchange;
  publication.routing_key = std::move(routing_key);
  publication.properties.content_type = "application/json";
  publication.properties.content_encoding = "utf-8";
  publication.properties.delivery_mode = 1;
  publication.properties.priority = 0;
  publication.properties.headers.set("hostname", hostname);
  publication.body = dump_json(body);
  publication.routed = Routed::may;
  publication.durability = Durability::transient;
  publication.declare_exchanges.push_back(event_exchange(settings_));
  group_.spawn(hand_over(&broker_, std::move(publication)));
}

bool EventDispatcher::tells(const protocol::TaskMessage& message) const {
  return task_events_ && !mutes_(message.task);
}

void EventDispatcher::task_sent(const protocol::TaskMessage& message,
                                const protocol::DeliveryInfo& sent) {
  if (!settings_.send_sent_event) return;
  JsonObject fields = described(message);
  // The message says these when it is written.
  if (message.argsrepr.empty()) fields.set("args", python_repr_tuple(message.args));
  if (message.kwargsrepr.empty()) fields.set("kwargs", python_repr(Json(message.kwargs)));
  fields.set("queue", sent.queue);
  fields.set("exchange", sent.exchange);
  fields.set("routing_key", sent.routing_key);
  publish(client_.hostname,
          protocol::make_event(client_, "task-sent", std::move(fields), clock_.forward(), now_()),
          protocol::event_routing_key("task-sent"));
}

void EventDispatcher::task_received(const protocol::TaskMessage& message,
                                    const protocol::DeliveryInfo&) {
  if (tells(message)) buffer("task-received", described(message));
}

void EventDispatcher::task_started(const protocol::TaskMessage& message,
                                   const protocol::DeliveryInfo&) {
  if (!tells(message)) return;
  buffer("task-started", JsonObject{{"uuid", message.id}});
}

void EventDispatcher::task_succeeded(const protocol::TaskMessage& message,
                                     const protocol::DeliveryInfo&, std::string_view result_repr,
                                     Seconds runtime) {
  if (!tells(message)) return;
  buffer("task-succeeded",
         JsonObject{{"uuid", message.id}, {"result", result_repr}, {"runtime", runtime.count()}});
}

void EventDispatcher::task_failed(const protocol::TaskMessage& message,
                                  const protocol::DeliveryInfo&, std::string_view,
                                  std::string_view exception_repr, std::string_view traceback) {
  if (!tells(message)) return;
  JsonObject fields{{"uuid", message.id}, {"exception", exception_repr}};
  if (!traceback.empty()) fields.set("traceback", traceback);
  buffer("task-failed", std::move(fields));
}

void EventDispatcher::task_retried(const protocol::TaskMessage& message,
                                   const protocol::DeliveryInfo&, std::string_view exception_repr,
                                   std::string_view traceback) {
  if (!tells(message)) return;
  buffer("task-retried",
         JsonObject{{"uuid", message.id}, {"exception", exception_repr}, {"traceback", traceback}});
}

void EventDispatcher::task_revoked(const protocol::TaskMessage& message,
                                   const protocol::DeliveryInfo&, Revocation revocation,
                                   std::optional<int> signal) {
  if (!tells(message)) return;
  buffer("task-revoked", JsonObject{{"uuid", message.id},
                                    {"terminated", revocation == Revocation::terminated},
                                    {"signum", signal},
                                    {"expired", revocation == Revocation::expired}});
}

void EventDispatcher::task_rejected(const protocol::TaskMessage& message,
                                    const protocol::DeliveryInfo&, bool requeue) {
  if (!tells(message)) return;
  buffer("task-rejected", JsonObject{{"uuid", message.id}, {"requeue", requeue}});
}

void EventDispatcher::task_cancelled(const protocol::TaskMessage& message,
                                     const protocol::DeliveryInfo&) {
  if (!tells(message)) return;
  buffer("task-cancelled", JsonObject{{"uuid", message.id}});
}

void EventDispatcher::custom_event(const protocol::TaskMessage& message, std::string_view type,
                                   const JsonObject& fields) {
  if (!tells(message)) return;
  JsonObject all{{"uuid", message.id}};
  for (const auto& [name, value] : fields) all.set(name, value);
  buffer(type, std::move(all));
}

}  // namespace celeriac::worker
