#include "tests/integration/broker/rabbit.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "worker/broker/amqp/broker_error.h"
#include "worker/broker/amqp/properties.h"

namespace celeriac::test {

using worker::amqp::bytes_view;

std::string amqp_url() {
  const char* url = std::getenv("CELERIAC_TEST_AMQP_URL");
  if (!url) throw std::runtime_error("CELERIAC_TEST_AMQP_URL is not set; run pytest tests/interop");
  return url;
}

std::string unique_name(const std::string& stem) {
  static std::atomic<int> count{0};
  return stem + "-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

protocol::Queue plain_queue(const std::string& name) {
  protocol::Queue queue;
  queue.name = name;
  queue.exchange.name = "";
  queue.routing_key = name;
  return queue;
}

namespace {
worker::BrokerSettings settings() {
  worker::BrokerSettings result;
  result.connection_name = "test";
  return result;
}
}  // namespace

Rabbit::Rabbit(const std::string& url)
    : connection_(worker::amqp::Connection::open(
          url, settings(), worker::amqp::Connection::Role::publishing, interrupter_)) {
  connection_.open_channel(1);
}

void Rabbit::declare(const protocol::Queue& queue) {
  connection_.declare(1, queue);
}

void Rabbit::publish(const std::string& queue, const std::string& body,
                     const protocol::Properties& properties) {
  const worker::amqp::PropertiesView view(properties);
  publish_raw(queue, body, view.get());
}

void Rabbit::publish_raw(const std::string& queue, const std::string& body,
                         const amqp_basic_properties_t& properties) {
  amqp_basic_publish(connection_.get(), 1, amqp_empty_bytes, bytes_view(queue), 0, 0, &properties,
                     bytes_view(body));
}

void Rabbit::flush() {
  amqp_channel_open(connection_.get(), 2);
  connection_.close_channel(1);
  connection_.open_channel(1);
  connection_.close_channel(2);
}

std::uint32_t Rabbit::message_count(const std::string& queue) {
  const auto* ok =
      amqp_queue_declare(connection_.get(), 1, bytes_view(queue), 1, 0, 0, 0, amqp_empty_table);
  worker::amqp::check_reply(amqp_get_rpc_reply(connection_.get()), "queue.declare");
  return ok->message_count;
}

std::uint32_t Rabbit::consumer_count(const std::string& queue) {
  const auto* ok =
      amqp_queue_declare(connection_.get(), 1, bytes_view(queue), 1, 0, 0, 0, amqp_empty_table);
  worker::amqp::check_reply(amqp_get_rpc_reply(connection_.get()), "queue.declare");
  return ok->consumer_count;
}

void Rabbit::delete_queue(const std::string& queue) {
  amqp_queue_delete(connection_.get(), 1, bytes_view(queue), 0, 0);
}

void Rabbit::delete_exchange(const std::string& exchange) {
  amqp_exchange_delete(connection_.get(), 1, bytes_view(exchange), 0);
}

std::optional<std::string> Rabbit::get(const std::string& queue) {
  const amqp_rpc_reply_t reply = amqp_basic_get(connection_.get(), 1, bytes_view(queue), 1);
  worker::amqp::check_reply(reply, "basic.get");
  if (reply.reply.id != AMQP_BASIC_GET_OK_METHOD) return std::nullopt;
  amqp_message_t message;
  worker::amqp::check_reply(amqp_read_message(connection_.get(), 1, &message, 0), "basic.get");
  std::string body = worker::amqp::string_of(message.body);
  amqp_destroy_message(&message);
  return body;
}

}  // namespace celeriac::test
