// The yardstick of tests/bench/drain: the least that a consumer of RabbitMQ can do.
//
//   bare_consumer HOST PORT USER PASSWORD VHOST QUEUE PREFETCH
//
// Takes messages with rabbitmq-c and acknowledges, with `multiple`, whenever none is waiting. It
// looks at no message. Ends at TERM.
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_tcp_socket.h>
#endif

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

constexpr amqp_channel_t kChannel = 1;
constexpr int kFrameMax = 131072;
volatile std::sig_atomic_t stopping = 0;

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

void require_reply(amqp_connection_state_t connection, const char* what) {
  require(amqp_get_rpc_reply(connection).reply_type == AMQP_RESPONSE_NORMAL, what);
}

// Consumes until TERM: blocks only when everything that came has been acknowledged.
void drain(amqp_connection_state_t connection) {
  const timeval at_once{0, 0};
  const timeval a_while{0, 100000};  // how soon TERM is noticed on an idle queue
  std::uint64_t last_tag = 0, acked_tag = 0;
  while (stopping == 0) {
    amqp_maybe_release_buffers(connection);
    amqp_frame_t frame;
    const timeval* patience = last_tag == acked_tag ? &a_while : &at_once;
    const int status = amqp_simple_wait_frame_noblock(connection, &frame, patience);
    if (status == AMQP_STATUS_TIMEOUT) {
      if (last_tag == acked_tag) continue;
      require(amqp_basic_ack(connection, kChannel, last_tag, true) == 0, "basic.ack");
      acked_tag = last_tag;
      continue;
    }
    require(status == AMQP_STATUS_OK, "connection lost");
    if (frame.frame_type == AMQP_FRAME_METHOD &&
        frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
      last_tag = static_cast<amqp_basic_deliver_t*>(frame.payload.method.decoded)->delivery_tag;
    }
  }
}

void run(char** arguments) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t* socket = amqp_tcp_socket_new(connection);
  require(socket != nullptr, "socket");
  require(amqp_socket_open(socket, arguments[0], std::stoi(arguments[1])) == 0, "connect");
  require(amqp_login(connection, arguments[4], 0, kFrameMax, 0, AMQP_SASL_METHOD_PLAIN,
                     arguments[2], arguments[3])
                  .reply_type == AMQP_RESPONSE_NORMAL,
          "login");
  amqp_channel_open(connection, kChannel);
  require_reply(connection, "channel.open");
  amqp_basic_qos(connection, kChannel, 0, static_cast<std::uint16_t>(std::stoi(arguments[6])), 0);
  require_reply(connection, "basic.qos");
  amqp_basic_consume(connection, kChannel, amqp_cstring_bytes(arguments[5]), amqp_empty_bytes, 0, 0,
                     0, amqp_empty_table);
  require_reply(connection, "basic.consume");
  drain(connection);
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "usage: bare_consumer HOST PORT USER PASSWORD VHOST QUEUE PREFETCH\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { stopping = 1; });
  try {
    run(argv + 1);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bare_consumer: %s\n", error.what());
    return 1;
  }
  return 0;
}
