#include "worker/execution/time_limits.h"

#include <algorithm>

namespace celeriac::worker {
namespace {

Clock::duration as_duration(double seconds) {
  // A limit of years would overflow; a week more or less is the same for such a task.
  constexpr double kLongest = 10.0 * 365 * 24 * 3600;
  return std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(std::min(seconds, kLongest)));
}

}  // namespace

TimeLimits::TimeLimits(Loop& loop, std::optional<double> soft, std::optional<double> hard,
                       Listener& listener) {
  if (soft && (!hard || *soft < *hard)) {
    soft_.emplace(loop, [&listener, seconds = *soft] { listener.soft_limit_passed(seconds); });
    soft_->start(as_duration(*soft));
  }
  if (hard) {
    hard_.emplace(loop, [&listener, seconds = *hard] { listener.hard_limit_passed(seconds); });
    hard_->start(as_duration(*hard));
  }
}

}  // namespace celeriac::worker
