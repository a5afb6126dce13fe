#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace celeriac::test {
namespace {

int listen_on(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 128) != 0) {
    close(listener);
    throw std::runtime_error("cannot listen on port " + std::to_string(port));
  }
  return listener;
}

std::uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

std::string ServedConnection::read_until(std::string_view mark) {
  for (;;) {
    if (const std::size_t found = buffer_.find(mark); found != std::string::npos) {
      std::string text = buffer_.substr(0, found + mark.size());
      buffer_.erase(0, text.size());
      return text;
    }
    char bytes[4096];
    const ssize_t count = recv(descriptor_, bytes, sizeof bytes, 0);
    if (count <= 0) return std::exchange(buffer_, {});
    buffer_.append(bytes, static_cast<std::size_t>(count));
  }
}

std::string ServedConnection::read_exactly(std::size_t wanted) {
  while (buffer_.size() < wanted) {
    char bytes[4096];
    const ssize_t count = recv(descriptor_, bytes, sizeof bytes, 0);
    if (count <= 0) break;
    buffer_.append(bytes, static_cast<std::size_t>(count));
  }
  std::string text = buffer_.substr(0, wanted);
  buffer_.erase(0, text.size());
  return text;
}

bool ServedConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void ServedConnection::wait_for_close() {
  char bytes[4096];
  while (recv(descriptor_, bytes, sizeof bytes, 0) > 0) {
  }
}

void ServedConnection::reset_on_close() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

ScriptedServer::ScriptedServer(std::vector<Script> scripts, std::uint16_t port)
    : scripts_(std::move(scripts)), listener_(listen_on(port)), port_(port_of(listener_)) {
  acceptor_ = std::thread([this] { accept_connections(); });
}

ScriptedServer::~ScriptedServer() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    for (int descriptor : open_) shutdown(descriptor, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : served_) thread.join();
  close(listener_);
}

std::size_t ScriptedServer::connections() const {
  std::lock_guard lock(mutex_);
  return accepted_;
}

void ScriptedServer::accept_connections() {
  for (;;) {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::lock_guard lock(mutex_);
    if (descriptor < 0 || closing_) {
      if (descriptor >= 0) close(descriptor);
      return;
    }
    const Script& script = scripts_[std::min(accepted_, scripts_.size() - 1)];
    ++accepted_;
    open_.push_back(descriptor);
    served_.emplace_back([this, descriptor, &script] { serve(descriptor, script); });
  }
}

void ScriptedServer::serve(int descriptor, const Script& script) {
  ServedConnection connection(descriptor);
  script(connection);
  std::lock_guard lock(mutex_);
  open_.remove(descriptor);
  close(descriptor);
}

std::uint16_t free_port() {
  const int listener = listen_on(0);
  const std::uint16_t port = port_of(listener);
  close(listener);
  return port;
}

}  // namespace celeriac::test
