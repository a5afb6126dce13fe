// Tells systemd how the service is (sd_notify(3), Type=notify), without its library.
#pragma once

#include <celeriac/config_reader.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "worker/loop/loop.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {

// Does nothing where no NOTIFY_SOCKET is set. Loop thread only; the loop must outlive it.
class SystemdNotifier {
 public:
  // The watchdog is fed by the loop's own timer from now on, so that it bites when the loop
  // does not turn.
  SystemdNotifier(Loop& loop, const ConfigEnvironment& environment);
  SystemdNotifier(const SystemdNotifier&) = delete;
  SystemdNotifier& operator=(const SystemdNotifier&) = delete;
  ~SystemdNotifier();

  // The worker consumes. Once.
  void ready();
  // A line for `systemctl status`. While it is not ready, the start gets more time.
  void status(std::string_view text);
  // The warm shutdown has begun; the stop gets more time as long as the loop turns.
  void stopping();

 private:
  enum class Phase { starting, ready, stopping };

  void tick();
  void send(std::string_view text) const;

  Phase phase_ = Phase::starting;
  std::string path_;  // empty: there is no systemd
  int socket_ = -1;
  bool watchdog_ = false;
  Timer timer_;
};

// How often the watchdog is fed: half of WATCHDOG_USEC, if it is set for this process.
std::optional<std::chrono::microseconds> watchdog_interval(const ConfigEnvironment& environment,
                                                           int pid);

}  // namespace celeriac::worker
