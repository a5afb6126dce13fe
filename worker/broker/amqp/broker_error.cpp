#include "worker/broker/amqp/broker_error.h"

#include <array>

namespace celeriac::worker::amqp {
namespace {

struct ReplyCode {
  std::uint16_t code;
  const char* name;  // py-amqp's exception
};
constexpr std::array kReplyCodes = {
    ReplyCode{311, "ContentTooLarge"},  ReplyCode{313, "NoConsumers"},
    ReplyCode{320, "ConnectionForced"}, ReplyCode{402, "InvalidPath"},
    ReplyCode{403, "AccessRefused"},    ReplyCode{404, "NotFound"},
    ReplyCode{405, "ResourceLocked"},   ReplyCode{406, "PreconditionFailed"},
    ReplyCode{501, "FrameError"},       ReplyCode{502, "FrameSyntaxError"},
    ReplyCode{503, "InvalidCommand"},   ReplyCode{504, "ChannelNotOpen"},
    ReplyCode{505, "UnexpectedFrame"},  ReplyCode{506, "ResourceError"},
    ReplyCode{530, "NotAllowed"},       ReplyCode{540, "AMQPNotImplementedError"},
    ReplyCode{541, "InternalError"},
};

struct MethodName {
  std::uint16_t class_id, method_id;
  const char* name;
};
constexpr std::array kMethodNames = {
    MethodName{10, 40, "Connection.open"},  MethodName{20, 10, "Channel.open"},
    MethodName{40, 10, "Exchange.declare"}, MethodName{50, 10, "Queue.declare"},
    MethodName{50, 20, "Queue.bind"},       MethodName{50, 30, "Queue.purge"},
    MethodName{60, 10, "Basic.qos"},        MethodName{60, 20, "Basic.consume"},
    MethodName{60, 30, "Basic.cancel"},     MethodName{60, 40, "Basic.publish"},
    MethodName{60, 80, "Basic.ack"},        MethodName{60, 90, "Basic.reject"},
    MethodName{85, 10, "Confirm.select"},
};

// Python's choice of quotes, so that Celery's log lines are found by the same search.
std::string in_quotes(std::string_view text) {
  const bool apostrophe = text.find('\'') != std::string_view::npos;
  const bool double_quote = text.find('"') != std::string_view::npos;
  const char quote = apostrophe && !double_quote ? '"' : '\'';
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') result += '\\';
    result += c;
  }
  return result + quote;
}

}  // namespace

std::string describe_close(std::uint16_t reply_code, std::string_view reply_text,
                           std::uint16_t class_id, std::uint16_t method_id) {
  std::string_view name = "AMQPError";
  for (const ReplyCode& known : kReplyCodes) {
    if (known.code == reply_code) name = known.name;
  }
  std::string_view method;
  for (const MethodName& known : kMethodNames) {
    if (known.class_id == class_id && known.method_id == method_id) method = known.name;
  }
  std::string text(name);
  text += "(" + std::to_string(reply_code) + ", " + in_quotes(reply_text) + ", (" +
          std::to_string(class_id) + ", " + std::to_string(method_id) + "), '";
  text.append(method).append("')");
  return text;
}

BrokerError channel_closed(const amqp_channel_close_t& close) {
  return {BrokerError::Scope::channel, close.reply_code,
          describe_close(close.reply_code, string_view_of(close.reply_text), close.class_id,
                         close.method_id)};
}

BrokerError connection_closed(const amqp_connection_close_t& close) {
  return {BrokerError::Scope::connection, close.reply_code,
          describe_close(close.reply_code, string_view_of(close.reply_text), close.class_id,
                         close.method_id)};
}

BrokerError transport_failed(int status, std::string_view doing) {
  return {BrokerError::Scope::transport, 0, std::string(doing) + ": " + amqp_error_string2(status)};
}

void check_reply(const amqp_rpc_reply_t& reply, std::string_view doing) {
  switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
      return;
    case AMQP_RESPONSE_NONE:
      throw transport_failed(AMQP_STATUS_CONNECTION_CLOSED, doing);
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      throw transport_failed(reply.library_error, doing);
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      break;
  }
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    throw channel_closed(*static_cast<const amqp_channel_close_t*>(reply.reply.decoded));
  }
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    throw connection_closed(*static_cast<const amqp_connection_close_t*>(reply.reply.decoded));
  }
  throw transport_failed(AMQP_STATUS_WRONG_METHOD, doing);
}

}  // namespace celeriac::worker::amqp
