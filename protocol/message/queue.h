// Queues, exchanges and bindings as kombu declares them (wire page, section 1.2).
#pragma once

#include <celeriac/json.h>

#include <optional>
#include <string>
#include <vector>

namespace celeriac::protocol {

// From an exchange to a queue, or to another exchange.
struct Binding {
  std::string exchange;
  std::string routing_key;
  JsonObject arguments;
};

struct Exchange {
  std::string name;  // "" is AMQP's default exchange, which is never declared
  std::string type = "direct";
  bool durable = true;
  bool auto_delete = false;
  JsonObject arguments;
  std::vector<Binding> bindings;  // by which it takes messages from other exchanges
  bool no_declare = false;
};

struct Queue {
  std::string name;
  Exchange exchange;
  std::string routing_key;
  bool durable = true;
  bool exclusive = false;
  bool auto_delete = false;
  JsonObject arguments;           // x-max-length, x-max-priority, x-queue-type …
  JsonObject binding_arguments;   // queue.bind
  JsonObject consumer_arguments;  // basic.consume, e.g. x-priority
  std::vector<Binding> bindings;  // beside the one to `exchange` with `routing_key`
  bool no_declare = false;
  bool no_ack = false;

  bool is_quorum() const;
};

}  // namespace celeriac::protocol
