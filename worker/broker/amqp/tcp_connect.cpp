#include "worker/broker/amqp/tcp_connect.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "worker/broker/amqp/broker_error.h"

namespace celeriac::worker::amqp {
namespace {

using SteadyClock = std::chrono::steady_clock;

BrokerError failed(const std::string& text) {
  return {BrokerError::Scope::transport, 0, text};
}

std::string system_error_text(int number) {
  return "[Errno " + std::to_string(number) + "] " + std::generic_category().message(number);
}

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};

// 0, or the errno of a failed attempt.
int finish_connect(int socket, SteadyClock::time_point deadline, Interrupter& interrupter) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
  pollfd events[] = {{socket, POLLOUT, 0}, {interrupter.descriptor(), POLLIN, 0}};
  const int ready = ::poll(events, 2, static_cast<int>(std::max<std::int64_t>(left, 0)));
  if (ready < 0) return errno;
  if (ready == 0) return ETIMEDOUT;
  if (interrupter.interrupted()) return ECANCELED;
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

// A socket, or minus the errno.
int try_address(const addrinfo& address, SteadyClock::time_point deadline,
                Interrupter& interrupter) {
  const int socket = ::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                              address.ai_protocol);
  if (socket < 0) return -errno;
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  int error = 0;
  if (::connect(socket, address.ai_addr, address.ai_addrlen) < 0) error = errno;
  if (error == EINPROGRESS) error = finish_connect(socket, deadline, interrupter);
  if (error == 0) return socket;
  ::close(socket);
  return -error;
}

}  // namespace

int tcp_connect(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout,
                Interrupter& interrupter) {
  const auto deadline = SteadyClock::now() + timeout;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0) {
    throw failed("[Errno " + std::to_string(status) + "] " + ::gai_strerror(status) + " (" + host +
                 ")");
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* address = addresses.get(); address; address = address->ai_next) {
    const int socket = try_address(*address, deadline, interrupter);
    if (socket >= 0) return socket;
    error = -socket;
  }
  throw failed(error == ETIMEDOUT ? "timed out" : system_error_text(error));
}

void watch_peer(int socket, std::chrono::milliseconds dead_after) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  const auto user_timeout = static_cast<unsigned int>(dead_after.count());
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof(user_timeout));
}

}  // namespace celeriac::worker::amqp
