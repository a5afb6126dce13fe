// One connection to RabbitMQ and the calls that wait for an answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "protocol/message/delayed_delivery.h"
#include "protocol/message/queue.h"
#include "protocol/url/url.h"
#include "worker/broker/amqp/interrupter.h"
#include "worker/broker/amqp/rabbitmq.h"
#include "worker/broker/settings.h"

namespace celeriac::worker::amqp {

// Every call blocks the calling thread, for `connection_timeout` at most, and throws
// BrokerError. Used by one thread at a time; may be handed to another one.
class Connection {
 public:
  enum class Role { consuming, publishing };

  // Socket, TLS, login. `role` is only shown to operators.
  static Connection open(const std::string& url, const BrokerSettings& settings, Role role,
                         Interrupter& interrupter);
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;

  amqp_connection_state_t get() const { return state_.get(); }
  int socket() const;
  // As negotiated; 0: none.
  std::chrono::seconds heartbeat() const;
  std::size_t frame_max() const;
  const std::string& display_url() const { return display_url_; }

  void open_channel(amqp_channel_t channel);
  // The broker has processed all that was sent on the channel when this returns.
  void close_channel(amqp_channel_t channel);
  // In order; errors are of no interest any more.
  void close();

  // What kombu declares for a queue: its exchange, itself, its bindings.
  void declare(amqp_channel_t channel, const protocol::Queue& queue);
  void declare(amqp_channel_t channel, const protocol::Exchange& exchange);
  void declare(amqp_channel_t channel, const protocol::Declarations& declarations);
  // Throws BrokerError 404 if there is none; then the channel is closed.
  void require_exchange(amqp_channel_t channel, const std::string& name);
  void confirm_select(amqp_channel_t channel);
  std::uint64_t purge(amqp_channel_t channel, const std::string& queue);

 private:
  struct Destroy {
    void operator()(amqp_connection_state_t state) const { amqp_destroy_connection(state); }
  };
  using State = std::unique_ptr<amqp_connection_state_t_, Destroy>;

  Connection(State state, std::string display_url)
      : state_(std::move(state)), display_url_(std::move(display_url)) {}

  void declare_queue(amqp_channel_t channel, const protocol::Queue& queue);
  void bind_queue(amqp_channel_t channel, const std::string& queue,
                  const protocol::Binding& binding);
  void check(std::string_view doing) const;

  State state_;
  std::string display_url_;
};

}  // namespace celeriac::worker::amqp
