// Everything by which the outside sees and steers a worker over the broker: events,
// heartbeats, remote control, mingle and gossip.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "worker/broker/broker.h"
#include "worker/execution/observer.h"
#include "worker/loop/loop.h"
#include "worker/remote/control_panel.h"
#include "worker/remote/event_dispatcher.h"
#include "worker/remote/gossip.h"
#include "worker/remote/heartbeat.h"
#include "worker/remote/mailbox.h"
#include "worker/remote/settings.h"
#include "worker/remote/worker_control.h"

namespace celeriac::worker {

// What the rest of the worker lends.
struct RemoteParts {
  Loop& loop;
  TaskGroup& group;
  Broker& broker;
  WorkerControl& worker;
  std::string nodename;
  std::string origin;                // the name under which it sends tasks: gen<pid>@host
  std::function<JsonObject()> conf;  // settings by Celery's names, secrets masked
  std::function<std::string()> new_id;
  std::function<protocol::Timestamp()> now;
  EventDispatcher::Mutes mutes;
  // Publishes a signature in no task's name (the winner of an election).
  std::function<void(const Json& signature)> send_signature;
};

// Loop thread only. What it borrows must outlive it.
class Remote {
 public:
  Remote(RemoteSettings settings, RemoteParts parts);

  // Whom to tell what becomes of tasks.
  TaskObserver& observer() { return events_; }
  EventDispatcher& events() { return events_; }

  // To be consumed beside the task queues.
  std::vector<ConsumerSpec> consumers() const;
  // True if the delivery was meant for here; it needs no settling then.
  bool take(const Delivery& delivery);

  // Every time the consumers run on a new connection.
  void on_consuming();
  // At the beginning of a shutdown: worker-offline.
  void on_stopping();
  // When no task runs any more.
  void on_drained();

 private:
  void say_hello();
  void on_hello_reply(const Delivery& delivery);
  void end_mingle();

  RemoteSettings settings_;
  RemoteParts parts_;
  std::string oid_;
  LamportClock clock_;
  EventDispatcher events_;
  Gossip gossip_;
  ControlPanel panel_;
  Mailbox mailbox_;
  Heartbeat heartbeat_;
  Timer mingle_timer_;
  std::size_t mingled_ = 0;
};

}  // namespace celeriac::worker
