// Tells monitors that this worker lives: worker-online, -heartbeat and -offline.
#pragma once

#include "worker/loop/timer.h"
#include "worker/remote/event_dispatcher.h"
#include "worker/remote/settings.h"
#include "worker/remote/worker_control.h"

namespace celeriac::worker {

// Loop thread only; what it borrows must outlive it.
class Heartbeat {
 public:
  Heartbeat(const RemoteSettings& settings, Loop& loop, EventDispatcher& events,
            const WorkerControl& worker);

  // On every new connection. Sends worker-online, and goes on with heartbeats.
  void start();
  // Sends worker-offline; no heartbeat follows.
  void stop();

 private:
  JsonObject fields() const;

  const RemoteSettings& settings_;
  EventDispatcher& events_;
  const WorkerControl& worker_;
  Timer timer_;
};

}  // namespace celeriac::worker
