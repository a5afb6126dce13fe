#include "worker/log/logstash_connection.h"

#include <celeriac/error.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace celeriac::worker::log {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstPause = 500ms;
constexpr auto kLongestPause = 30s;
// Waits are cut into slices, so that giving up is noticed.
constexpr int kSliceMilliseconds = 100;
constexpr auto kConnectTimeout = 5s;

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

}  // namespace

LogstashConnection::LogstashConnection(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    throw ConfigError("the Logstash address is '" + address +
                      "'; it must be HOST:PORT, as in logstash.example.org:5000");
  }
  host_ = address.substr(0, colon);
  port_ = address.substr(colon + 1);
  if (host_.starts_with('[') && host_.ends_with(']')) host_ = host_.substr(1, host_.size() - 2);
  const bool digits = port_.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || port_.size() > 5) {
    throw ConfigError("the port of the Logstash address '" + address + "' must be a number");
  }
}

LogstashConnection::~LogstashConnection() {
  close();
}

bool LogstashConnection::send(const std::string& line) {
  std::chrono::milliseconds wait = kFirstPause;
  while (true) {
    if (socket_ >= 0 || connect()) {
      if (write_all(line)) return true;
      close();
    }
    if (!pause(wait)) return false;
    wait = std::min<std::chrono::milliseconds>(wait * 2, kLongestPause);
  }
}

void LogstashConnection::give_up(std::chrono::milliseconds grace) {
  const std::lock_guard lock(mutex_);
  given_up_ = true;
  last_moment_ = std::chrono::steady_clock::now() + grace;
  changed_.notify_all();
}

bool LogstashConnection::pause(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, duration, [&] { return given_up_; });
}

bool LogstashConnection::connect() {
  {
    const std::lock_guard lock(mutex_);
    if (given_up_) return false;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  for (const addrinfo* address = found; address; address = address->ai_next) {
    socket_ = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) continue;
    const int status = ::connect(socket_, address->ai_addr, address->ai_addrlen);
    pollfd writable{socket_, POLLOUT, 0};
    const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(kConnectTimeout);
    int error = 0;
    socklen_t size = sizeof(error);
    if (status == 0 ||
        (errno == EINPROGRESS && ::poll(&writable, 1, static_cast<int>(timeout.count())) == 1 &&
         getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)) {
      const int on = 1;
      setsockopt(socket_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
      return true;
    }
    close();
  }
  return false;
}

bool LogstashConnection::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    {
      const std::lock_guard lock(mutex_);
      if (std::chrono::steady_clock::now() > last_moment_) return false;
    }
    pollfd writable{socket_, POLLOUT, 0};
    ::poll(&writable, 1, kSliceMilliseconds);
  }
  return true;
}

void LogstashConnection::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

}  // namespace celeriac::worker::log
