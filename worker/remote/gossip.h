// What a worker hears of others: their heartbeats, and elections among them.
#pragma once

#include <celeriac/json.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "worker/broker/broker.h"
#include "worker/loop/timer.h"
#include "worker/remote/event_dispatcher.h"
#include "worker/remote/lamport_clock.h"
#include "worker/remote/settings.h"

namespace celeriac::worker {

// Loop thread only; what it borrows must outlive it. Nothing is consumed unless
// RemoteSettings::gossip is set.
class Gossip {
 public:
  // `elected` is called when this node has won an election on that topic.
  using Elected = std::function<void(const std::string& topic, const Json& action)>;

  Gossip(const RemoteSettings& settings, std::string nodename, int pid, Loop& loop,
         EventDispatcher& events, LamportClock& clock, Elected elected);

  // The queue bound to the events of workers. The name is new with every worker.
  ConsumerSpec consumer(const std::string& oid) const;

  void start();
  void stop();
  void on_delivery(const Delivery& delivery);

  // Holds an election (control command `election`).
  void elect(const Json& id, const Json& topic, const Json& action);

 private:
  struct Neighbour {
    Clock::time_point last_heard;
    std::chrono::duration<double> frequency;
  };
  struct Candidate {
    std::int64_t clock;
    std::string full_name;
    std::string topic;
    Json action;
  };

  void on_worker_event(const Json& event);
  void on_elect(const Json& event);
  void on_elect_ack(const Json& event);
  void forget_silent();

  const RemoteSettings& settings_;
  std::string nodename_, full_name_;
  EventDispatcher& events_;
  LamportClock& clock_;
  Elected elected_;
  Timer timer_;
  std::map<std::string, Neighbour> neighbours_;
  std::map<std::string, std::vector<Candidate>> candidates_;  // by election id
  std::map<std::string, std::size_t> acks_;                   // of elections that we called
};

}  // namespace celeriac::worker
