#include "worker/monitoring/systemd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::microseconds kTick = 10s;
// What a tick asks for beyond the next one while the worker starts or ends.
constexpr std::string_view kMoreTime = "EXTEND_TIMEOUT_USEC=30000000";

std::optional<std::int64_t> number(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::chrono::microseconds> watchdog_interval(const ConfigEnvironment& environment,
                                                           int pid) {
  const auto interval = number(environment("WATCHDOG_USEC"));
  if (!interval || *interval <= 0) return std::nullopt;
  const auto meant = number(environment("WATCHDOG_PID"));
  if (meant && *meant != pid) return std::nullopt;
  return std::chrono::microseconds(*interval / 2);
}

SystemdNotifier::SystemdNotifier(Loop& loop, const ConfigEnvironment& environment)
    : path_(environment("NOTIFY_SOCKET").value_or("")), timer_(loop, [this] { tick(); }) {
  const bool usable = path_.starts_with('/') || path_.starts_with('@');
  if (!usable || path_.size() >= sizeof(sockaddr_un::sun_path)) path_.clear();
  if (path_.empty()) return;
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto interval = watchdog_interval(environment, ::getpid());
  watchdog_ = interval.has_value();
  timer_.start_repeating(std::min(interval.value_or(kTick), kTick));
}

SystemdNotifier::~SystemdNotifier() {
  if (socket_ >= 0) ::close(socket_);
}

void SystemdNotifier::ready() {
  if (phase_ != Phase::starting) return;
  phase_ = Phase::ready;
  send("READY=1\nSTATUS=Consuming");
}

void SystemdNotifier::status(std::string_view text) {
  // One line: whatever follows a line break would be another assignment.
  std::string line(text.substr(0, text.find('\n')));
  send("STATUS=" + line);
}

void SystemdNotifier::stopping() {
  if (phase_ == Phase::stopping) return;
  phase_ = Phase::stopping;
  send("STOPPING=1\nSTATUS=Waiting for running tasks");
  tick();
}

void SystemdNotifier::tick() {
  std::string text = watchdog_ ? "WATCHDOG=1" : "";
  if (phase_ != Phase::ready) text.append(text.empty() ? "" : "\n").append(kMoreTime);
  if (!text.empty()) send(text);
}

void SystemdNotifier::send(std::string_view text) const {
  if (socket_ < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, path_.size());
  if (path_.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  // A datagram that cannot be delivered is systemd's loss: there is nobody to tell.
  ::sendto(socket_, text.data(), text.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace celeriac::worker
