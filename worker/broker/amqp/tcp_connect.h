// A TCP connection within a deadline, with a cause when there is none.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "worker/broker/amqp/interrupter.h"

namespace celeriac::worker::amqp {

// A connected, non-blocking socket; the caller owns it. Tries all addresses of the
// host. Throws BrokerError (transport) with the system's words, as Python shows them:
// `[Errno 111] Connection refused`. Blocks the calling thread.
int tcp_connect(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout,
                Interrupter& interrupter);

// Notices a dead peer: keepalive, and unacknowledged bytes after `dead_after`.
void watch_peer(int socket, std::chrono::milliseconds dead_after);

}  // namespace celeriac::worker::amqp
