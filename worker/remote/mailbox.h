// The worker's pidbox: requests in, replies out (wire page, section 8.1).
#pragma once

#include <string>

#include "protocol/message/control.h"
#include "worker/broker/broker.h"
#include "worker/loop/task_group.h"
#include "worker/remote/control_panel.h"
#include "worker/remote/lamport_clock.h"
#include "worker/remote/settings.h"

namespace celeriac::worker {

// Loop thread only; what it borrows must outlive it.
class Mailbox {
 public:
  Mailbox(const RemoteSettings& settings, std::string nodename, TaskGroup& group, Broker& broker,
          LamportClock& worker_clock, ControlPanel& panel);

  // The queue `<nodename>.<exchange>.pidbox`, and how it is consumed.
  ConsumerSpec consumer() const;
  const std::string& queue_name() const { return queue_name_; }

  void on_delivery(const Delivery& delivery);

  // Broadcasts a request to every worker. With a ticket, replies go to the queue that is
  // bound to the reply exchange with `reply_routing_key`.
  void broadcast(std::string method, JsonObject arguments, std::string ticket,
                 std::string reply_routing_key);
  // Where replies to our own requests arrive.
  ConsumerSpec reply_consumer(const std::string& oid) const;

 private:
  void reply(const protocol::ControlRequest& request, Json value);
  void send(Publication publication);
  protocol::Exchange control_exchange() const;
  protocol::Exchange reply_exchange() const;
  ConsumerSpec control_consumer(std::string queue, protocol::Exchange exchange,
                                std::string routing_key) const;

  const RemoteSettings& settings_;
  std::string nodename_;
  std::string queue_name_;
  TaskGroup& group_;
  Broker& broker_;
  // Two clocks, as in Celery: one of the worker's events, one of its mailbox.
  LamportClock& worker_clock_;
  LamportClock mailbox_clock_;
  ControlPanel& panel_;
};

}  // namespace celeriac::worker
