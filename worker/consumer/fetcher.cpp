#include "worker/consumer/fetcher.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace celeriac::worker {

bool Fetcher::keeps(const protocol::DeliveryInfo& delivery) {
  if (state_ == State::consuming) {
    state_ = State::pausing;
    group_.spawn(pause());
  }
  if (free_slots_() > 0) return true;
  next_queue_ = delivery.queue;
  return false;
}

Async<void> Fetcher::pause() {
  co_await broker_.pause_consuming();
  state_ = State::paused;
  look_again();
}

void Fetcher::look_again() {
  if (state_ != State::paused) return;
  constexpr std::size_t kMost = std::numeric_limits<std::uint16_t>::max();
  const std::size_t free = std::min(free_slots_(), kMost);
  if (free == 0) return;
  state_ = State::consuming;
  broker_.resume_consuming(static_cast<std::uint16_t>(free), next_queue_);
}

// The next connection begins with nothing; then there is a look at what is free.
void Fetcher::connection_lost() {
  if (state_ != State::consuming) return;
  state_ = State::pausing;
  group_.spawn(pause());
}

}  // namespace celeriac::worker
