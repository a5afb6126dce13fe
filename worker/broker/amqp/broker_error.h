// What a broker, or the way to it, said no with.
#pragma once

#include <celeriac/error.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "worker/broker/amqp/rabbitmq.h"

namespace celeriac::worker::amqp {

// AMQP 0-9-1 reply codes that are acted upon (and RabbitMQ's meaning of them).
inline constexpr std::uint16_t kReplySuccess = 200;
inline constexpr std::uint16_t kAccessRefused = 403;
inline constexpr std::uint16_t kNotFound = 404;
inline constexpr std::uint16_t kResourceLocked = 405;
inline constexpr std::uint16_t kPreconditionFailed = 406;
inline constexpr std::uint16_t kNotAllowed = 530;

class BrokerError : public Error {
 public:
  enum class Scope {
    transport,   // no answer: the socket, TLS, a deadline, bytes that are no AMQP
    connection,  // connection.close
    channel,     // channel.close: the connection lives on
  };
  BrokerError(Scope scope, std::uint16_t reply_code, const std::string& text)
      : Error(text), scope_(scope), reply_code_(reply_code) {}

  Scope scope() const { return scope_; }
  std::uint16_t reply_code() const { return reply_code_; }  // 0 without an answer

 private:
  Scope scope_;
  std::uint16_t reply_code_;
};

// As Celery logs it (py-amqp's exceptions):
// `PreconditionFailed(406, "PRECONDITION_FAILED - …", (50, 10), 'Queue.declare')`.
std::string describe_close(std::uint16_t reply_code, std::string_view reply_text,
                           std::uint16_t class_id, std::uint16_t method_id);

BrokerError channel_closed(const amqp_channel_close_t& close);
BrokerError connection_closed(const amqp_connection_close_t& close);
// `status` is an amqp_status_enum; `doing` names the step that failed.
BrokerError transport_failed(int status, std::string_view doing);

// Throws what the reply stands for unless it is a normal one.
void check_reply(const amqp_rpc_reply_t& reply, std::string_view doing);

}  // namespace celeriac::worker::amqp
