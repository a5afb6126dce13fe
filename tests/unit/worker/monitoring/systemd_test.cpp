#include "worker/monitoring/systemd.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <map>
#include <thread>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

ConfigEnvironment variables(std::map<std::string, std::string> values) {
  return [values](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

// The socket that systemd would listen on, in the abstract name space.
class NotifySocket {
 public:
  NotifySocket() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    name_ = "@celeriac-test-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name_.copy(address.sun_path, name_.size());
    address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
  }
  ~NotifySocket() { ::close(socket_); }
  const std::string& name() const { return name_; }
  // The next datagram; "" if there is none now.
  std::string now() { return receive(MSG_DONTWAIT); }
  std::string next() { return receive(0); }

 private:
  std::string receive(int flags) {
    char bytes[4096];
    const ssize_t size = ::recv(socket_, bytes, sizeof(bytes), flags);
    return size < 0 ? "" : std::string(bytes, static_cast<std::size_t>(size));
  }
  int socket_;
  std::string name_;
};

TEST(SystemdNotifier, TellsTheLifeOfAService) {
  NotifySocket systemd;
  Loop loop;
  SystemdNotifier notifier(loop, variables({{"NOTIFY_SOCKET", systemd.name()}}));
  EXPECT_EQ(systemd.now(), "");
  notifier.status("one line\nREADY=1");
  EXPECT_EQ(systemd.now(), "STATUS=one line");
  notifier.ready();
  EXPECT_EQ(systemd.now(), "READY=1\nSTATUS=Consuming");
  notifier.ready();
  EXPECT_EQ(systemd.now(), "");
  notifier.stopping();
  EXPECT_EQ(systemd.now(), "STOPPING=1\nSTATUS=Waiting for running tasks");
  EXPECT_EQ(systemd.now(), "EXTEND_TIMEOUT_USEC=30000000");
  notifier.stopping();
  EXPECT_EQ(systemd.now(), "");
}

TEST(SystemdNotifier, FeedsTheWatchdogFromTheLoop) {
  NotifySocket systemd;
  Loop loop;
  SystemdNotifier notifier(
      loop, variables({{"NOTIFY_SOCKET", systemd.name()}, {"WATCHDOG_USEC", "2000"}}));
  notifier.ready();
  EXPECT_EQ(systemd.now(), "READY=1\nSTATUS=Consuming");
  EXPECT_EQ(systemd.now(), "");  // not before the loop turns
  std::string fed;
  std::thread watcher([&] {
    fed = systemd.next();
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  watcher.join();
  EXPECT_EQ(fed, "WATCHDOG=1");
}

TEST(SystemdNotifier, DoesNothingWithoutSystemd) {
  Loop loop;
  SystemdNotifier notifier(loop, variables({}));
  notifier.ready();
  notifier.status("x");
  notifier.stopping();
}

TEST(WatchdogInterval, IsHalfOfWhatIsAskedOfThisProcess) {
  EXPECT_EQ(watchdog_interval(variables({{"WATCHDOG_USEC", "60000000"}}), 1), 30s);
  EXPECT_EQ(watchdog_interval(variables({{"WATCHDOG_USEC", "60000000"}, {"WATCHDOG_PID", "1"}}), 1),
            30s);
  EXPECT_EQ(watchdog_interval(variables({{"WATCHDOG_USEC", "60000000"}, {"WATCHDOG_PID", "2"}}), 1),
            std::nullopt);
  EXPECT_EQ(watchdog_interval(variables({{"WATCHDOG_USEC", "x"}}), 1), std::nullopt);
  EXPECT_EQ(watchdog_interval(variables({}), 1), std::nullopt);
}

}  // namespace
}  // namespace celeriac::worker
