#include "tests/integration/broker/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "protocol/url/url.h"

namespace celeriac::test {
namespace {

sockaddr_in local_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int require(int result, const char* what) {
  if (result < 0) throw std::runtime_error(what);
  return result;
}

}  // namespace

TcpProxy::TcpProxy(const std::string& target_url)
    : target_url_(target_url),
      target_port_(protocol::parse_url(target_url).port),
      listener_(require(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")),
      wake_(require(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  sockaddr_in address = local_address(0);
  require(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), "bind");
  require(::listen(listener_, 16), "listen");
  socklen_t size = sizeof(address);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
  stopping_ = true;
  wake();
  thread_.join();
  ::close(listener_);
  ::close(wake_);
}

std::string TcpProxy::url() const {
  std::string text = target_url_;
  const std::string target = ":" + std::to_string(target_port_);
  return text.replace(text.rfind(target), target.size(), ":" + std::to_string(port_));
}

void TcpProxy::wake() {
  ::eventfd_write(wake_, 1);
}

void TcpProxy::cut() {
  cut_ = true;
  wake();
}
void TcpProxy::refuse() {
  refusing_ = true;
}
void TcpProxy::accept() {
  refusing_ = false;
}
void TcpProxy::freeze() {
  frozen_ = true;
  wake();
}
void TcpProxy::thaw() {
  frozen_ = false;
  wake();
}

void TcpProxy::take_connection() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  sockaddr_in address = local_address(target_port_);
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (refusing_ || ::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) {
    ::close(client);
    ::close(server);
    return;
  }
  pairs_.push_back({client, server});
}

bool TcpProxy::forward(const Pair& pair, int from, int to) {
  char buffer[16384];
  const ssize_t size = ::recv(from, buffer, sizeof(buffer), 0);
  if (size > 0 && ::send(to, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL) == size) {
    return true;
  }
  ::close(pair.client);
  ::close(pair.server);
  return false;
}

void TcpProxy::run() {
  while (!stopping_) {
    std::vector<pollfd> events = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    const bool frozen = frozen_;
    if (!frozen) {
      for (const Pair& pair : pairs_) {
        events.push_back({pair.client, POLLIN, 0});
        events.push_back({pair.server, POLLIN, 0});
      }
    }
    ::poll(events.data(), events.size(), -1);
    eventfd_t count = 0;
    ::eventfd_read(wake_, &count);
    std::vector<Pair> open;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const Pair pair = pairs_[i];
      bool alive = true;
      if (!frozen) {
        if (events[2 + 2 * i].revents) alive = forward(pair, pair.client, pair.server);
        if (alive && events[3 + 2 * i].revents) alive = forward(pair, pair.server, pair.client);
      }
      if (alive) open.push_back(pair);
    }
    pairs_ = std::move(open);
    if (events[1].revents) take_connection();
    if (cut_.exchange(false) || stopping_) {
      for (const Pair& pair : std::exchange(pairs_, {})) {
        ::close(pair.client);
        ::close(pair.server);
      }
    }
  }
}

}  // namespace celeriac::test
