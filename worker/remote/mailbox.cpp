#include "worker/remote/mailbox.h"

#include <celeriac/error.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "worker/log/log.h"

namespace celeriac::worker {

namespace {

std::int64_t milliseconds(std::chrono::duration<double> duration) {
  return static_cast<std::int64_t>(duration.count() * 1000);
}

// Whoever asked may be gone already.
Async<void> hand_over(Broker* broker, Publication publication) {
  try {
    co_await broker->publish(std::move(publication));
  } catch (const Error& error) {
    log::write(log::Level::debug, "kombu.pidbox", std::string("reply not sent: ") + error.what());
  }
}

}  // namespace

Mailbox::Mailbox(const RemoteSettings& settings, std::string nodename, TaskGroup& group,
                 Broker& broker, LamportClock& worker_clock, ControlPanel& panel)
    : settings_(settings),
      nodename_(std::move(nodename)),
      queue_name_(nodename_ + "." + settings.control_exchange + ".pidbox"),
      group_(group),
      broker_(broker),
      worker_clock_(worker_clock),
      panel_(panel) {}

protocol::Exchange Mailbox::control_exchange() const {
  protocol::Exchange exchange;
  exchange.name = settings_.control_exchange + ".pidbox";
  exchange.type = "fanout";
  exchange.durable = false;
  return exchange;
}

protocol::Exchange Mailbox::reply_exchange() const {
  protocol::Exchange exchange;
  exchange.name = "reply." + settings_.control_exchange + ".pidbox";
  exchange.type = "direct";
  exchange.durable = false;
  return exchange;
}

ConsumerSpec Mailbox::control_consumer(std::string queue, protocol::Exchange exchange,
                                       std::string routing_key) const {
  ConsumerSpec spec;
  spec.queue.name = std::move(queue);
  spec.queue.exchange = std::move(exchange);
  spec.queue.routing_key = std::move(routing_key);
  spec.queue.durable = settings_.control_queue_durable;
  spec.queue.exclusive = settings_.control_queue_exclusive;
  spec.queue.auto_delete = !settings_.control_queue_durable;
  spec.queue.arguments.set("x-expires", milliseconds(settings_.control_queue_expires));
  spec.queue.arguments.set("x-message-ttl", milliseconds(settings_.control_queue_ttl));
  spec.queue.no_ack = true;
  spec.acknowledge = ConsumerSpec::Acknowledge::automatic;
  spec.group = ConsumerSpec::Group::control;
  return spec;
}

ConsumerSpec Mailbox::consumer() const {
  return control_consumer(queue_name_, control_exchange(), "");
}

ConsumerSpec Mailbox::reply_consumer(const std::string& oid) const {
  ConsumerSpec spec = control_consumer(oid + "." + reply_exchange().name, reply_exchange(), oid);
  spec.queue.arguments.erase("x-message-ttl");  // kombu's reply_queue_ttl is unset
  return spec;
}

void Mailbox::on_delivery(const Delivery& delivery) {
  worker_clock_.forward();
  protocol::ControlRequest request;
  try {
    request = protocol::decode_control_request(delivery.properties, delivery.body,
                                               settings_.accept_content);
  } catch (const MessageError& error) {
    log::write(log::Level::error, "celery.worker.pidbox",
               std::string("Cannot decode message: ") + error.what());
    return;
  }
  mailbox_clock_.adjust(static_cast<std::uint64_t>(std::max<std::int64_t>(request.clock, 0)));
  if (!protocol::is_addressed_to(request, nodename_)) return;
  Json value = panel_.run(request);
  // A worker that shuts down does not answer, as in Celery.
  if (!request.reply_exchange.empty() && request.method != "shutdown") {
    reply(request, std::move(value));
  }
}

void Mailbox::reply(const protocol::ControlRequest& request, Json value) {
  Publication publication;
  publication.exchange = request.reply_exchange;
  publication.routing_key = request.reply_routing_key;
  publication.properties.headers.set("ticket", request.ticket);
  publication.properties.headers.set("clock", mailbox_clock_.forward());
  publication.properties.delivery_mode = 1;
  publication.body = dump_json(Json::object({{nodename_, std::move(value)}}));
  protocol::Exchange exchange = reply_exchange();
  exchange.name = request.reply_exchange;
  publication.declare_exchanges.push_back(std::move(exchange));
  send(std::move(publication));
}

void Mailbox::broadcast(std::string method, JsonObject arguments, std::string ticket,
                        std::string reply_routing_key) {
  JsonObject body{{"method", std::move(method)},
                  {"arguments", std::move(arguments)},
                  {"destination", nullptr},
                  {"pattern", nullptr},
                  {"matcher", nullptr}};
  if (!ticket.empty()) {
    body.set("ticket", std::move(ticket));
    body.set("reply_to", Json::object({{"exchange", reply_exchange().name},
                                       {"routing_key", std::move(reply_routing_key)}}));
  }
  Publication publication;
  publication.exchange = control_exchange().name;
  publication.properties.headers.set("clock", mailbox_clock_.forward());
  publication.properties.headers.set("expires", 0);
  publication.properties.delivery_mode = 2;
  publication.body = dump_json(Json(std::move(body)));
  publication.declare_exchanges.push_back(control_exchange());
  send(std::move(publication));
}

void Mailbox::send(Publication publication) {
  publication.properties.content_type = "application/json";
  publication.properties.content_encoding = "utf-8";
  publication.properties.priority = 0;
  publication.routed = Routed::may;
  publication.durability = Durability::transient;
  group_.spawn(hand_over(&broker_, std::move(publication)));
}

}  // namespace celeriac::worker
