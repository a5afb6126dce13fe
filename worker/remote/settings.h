// Events and remote control. Names and defaults are Celery 5.7's.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace celeriac::worker {

struct RemoteSettings {
  bool enable_remote_control = true;  // worker_enable_remote_control
  bool send_task_events = false;      // worker_send_task_events, -E
  bool send_sent_event = false;       // task_send_sent_event
  bool heartbeat = true;              // --without-heartbeat
  std::chrono::duration<double> heartbeat_interval{2.0};
  // Off unless asked for: a thousand workers must not flood the broker. Both are answered
  // when others ask.
  bool gossip = false;
  bool mingle = false;

  std::string event_exchange = "celeryev";
  std::string event_queue_prefix = "celeryev";
  std::chrono::duration<double> event_queue_ttl{5.0};
  std::chrono::duration<double> event_queue_expires{60.0};
  bool event_queue_exclusive = true;
  bool event_queue_durable = false;

  std::string control_exchange = "celery";
  std::chrono::duration<double> control_queue_ttl{300.0};
  std::chrono::duration<double> control_queue_expires{10.0};
  bool control_queue_exclusive = true;
  bool control_queue_durable = false;

  std::vector<std::string> accept_content{"application/json"};  // MIME types of requests
};

}  // namespace celeriac::worker
