// rabbitmq-c, wherever the distribution keeps its headers (they moved in 0.12).
// Included by the files of this folder only.
#pragma once

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#include <string>
#include <string_view>

namespace celeriac::worker::amqp {

// Borrows `text`. rabbitmq-c takes a non-const pointer and does not write to it.
inline amqp_bytes_t bytes_view(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

inline std::string_view string_view_of(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

inline std::string string_of(amqp_bytes_t bytes) {
  return std::string(string_view_of(bytes));
}

}  // namespace celeriac::worker::amqp
