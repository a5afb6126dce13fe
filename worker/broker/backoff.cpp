#include "worker/broker/backoff.h"

#include <algorithm>
#include <utility>

namespace celeriac::worker {

Backoff::Backoff(BackoffSchedule schedule, std::uint64_t seed)
    : schedule_(std::move(schedule)), random_(seed) {}

std::chrono::milliseconds Backoff::next() {
  const std::uint32_t index = attempts_++;
  const std::size_t lead = schedule_.lead_in.size();
  std::chrono::milliseconds delay;
  if (index < lead) {
    delay = schedule_.lead_in[index];
  } else {
    const std::int64_t steps =
        std::min<std::int64_t>(index - static_cast<std::int64_t>(lead), 1 << 20);
    delay = std::min(schedule_.max, schedule_.start + schedule_.step * steps);
  }
  std::uniform_real_distribution<double> share(-schedule_.jitter, schedule_.jitter);
  const double varied = static_cast<double>(delay.count()) * (1.0 + share(random_));
  return std::chrono::milliseconds(static_cast<std::int64_t>(varied));
}

}  // namespace celeriac::worker
