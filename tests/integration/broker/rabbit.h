// RabbitMQ as a test sees it from outside the worker: what is in a queue, and things
// that happen to a broker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message/properties.h"
#include "protocol/message/queue.h"
#include "worker/broker/amqp/connection.h"
#include "worker/broker/amqp/interrupter.h"

namespace celeriac::test {

// CELERIAC_TEST_AMQP_URL; a test without it fails.
std::string amqp_url();

// A name that no other test uses.
std::string unique_name(const std::string& stem);

// Blocking, on a connection of its own.
class Rabbit {
 public:
  explicit Rabbit(const std::string& url = amqp_url());

  void declare(const protocol::Queue& queue);
  void publish(const std::string& queue, const std::string& body,
               const protocol::Properties& properties = {});
  void publish_raw(const std::string& queue, const std::string& body,
                   const amqp_basic_properties_t& properties);
  // Ready messages.
  std::uint32_t message_count(const std::string& queue);
  std::uint32_t consumer_count(const std::string& queue);
  void delete_queue(const std::string& queue);
  void delete_exchange(const std::string& exchange);
  // Takes one message, acknowledged; empty when there is none.
  std::optional<std::string> get(const std::string& queue);
  // Waits until the broker has handled all that was published here.
  void flush();

 private:
  worker::amqp::Interrupter interrupter_;
  worker::amqp::Connection connection_;
};

// A plain, durable queue that the default exchange reaches.
protocol::Queue plain_queue(const std::string& name);

}  // namespace celeriac::test
