// Sends the events that Flower, `celery events` and exporters read.
#pragma once

#include <celeriac/json.h>

#include <functional>
#include <string>
#include <string_view>

#include "protocol/message/event.h"
#include "worker/broker/broker.h"
#include "worker/execution/observer.h"
#include "worker/loop/loop.h"
#include "worker/loop/task_group.h"
#include "worker/remote/lamport_clock.h"
#include "worker/remote/settings.h"

namespace celeriac::worker {

// Loop thread only; what it borrows must outlive it. Worker events go out one by one,
// task events together once a loop turn, at most 24 a message (Celery's buffer_limit).
class EventDispatcher : public TaskObserver {
 public:
  using WallClock = std::function<protocol::Timestamp()>;
  using Mutes = std::function<bool(std::string_view task)>;  // Task.send_events = False

  // `client` is who sends tasks: in Celery each process is one beside the worker.
  EventDispatcher(const RemoteSettings& settings, protocol::EventSource source, std::string client,
                  Mutes mutes, Loop& loop, TaskGroup& group, Broker& broker, LamportClock& clock,
                  WallClock now);

  // True if this changed anything.
  bool enable_task_events();
  bool disable_task_events();
  bool sends_task_events() const { return task_events_; }

  // One event of the group `worker`, at once.
  void send(std::string_view type, JsonObject fields);
  // Hands over what is buffered, now.
  void flush();

  void task_sent(const protocol::TaskMessage&, const protocol::DeliveryInfo&) override;
  void task_received(const protocol::TaskMessage&, const protocol::DeliveryInfo&) override;
  void task_started(const protocol::TaskMessage&, const protocol::DeliveryInfo&) override;
  void task_succeeded(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                      std::string_view result_repr, Seconds runtime) override;
  void task_failed(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                   std::string_view exception_type, std::string_view exception_repr,
                   std::string_view traceback) override;
  void task_retried(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                    std::string_view exception_repr, std::string_view traceback) override;
  void task_revoked(const protocol::TaskMessage&, const protocol::DeliveryInfo&, Revocation,
                    std::optional<int> signal) override;
  void task_rejected(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                     bool requeue) override;
  void task_cancelled(const protocol::TaskMessage&, const protocol::DeliveryInfo&) override;
  void custom_event(const protocol::TaskMessage&, std::string_view type,
                    const JsonObject& fields) override;

 private:
  bool tells(const protocol::TaskMessage& message) const;
  void buffer(std::string_view type, JsonObject fields);
  void publish(const std::string& hostname, const Json& body, std::string routing_key);

  const RemoteSettings& settings_;
  protocol::EventSource source_, client_;
  Mutes mutes_;
  Loop& loop_;
  TaskGroup& group_;
  Broker& broker_;
  LamportClock& clock_;
  WallClock now_;
  bool task_events_;
  bool flush_planned_ = false;
  Json::Array buffered_;
};

}  // namespace celeriac::worker
