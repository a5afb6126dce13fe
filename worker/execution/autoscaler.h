// How many slots a worker has with --autoscale=MAX,MIN (Celery 5.x, worker/autoscale.py).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

#include "worker/loop/loop.h"

namespace celeriac::worker {

struct AutoscaleLimits {
  std::size_t max = 0, min = 0;
};

// Pure: time and load come in, the number of slots comes out.
class Autoscaler {
 public:
  using Seconds = std::chrono::duration<double>;

  // Slots stay for `keepalive` after the last growth.
  Autoscaler(AutoscaleLimits limits, Seconds keepalive)
      : limits_(limits), keepalive_(keepalive), slots_(std::max<std::size_t>(limits.min, 1)) {}

  const AutoscaleLimits& limits() const { return limits_; }
  std::size_t slots() const { return slots_; }

  // Other limits from now on; what is not given stays.
  void update(std::optional<std::size_t> max, std::optional<std::size_t> min) {
    if (max) limits_.max = std::max<std::size_t>(*max, 1);
    if (min) limits_.min = std::min(*min, limits_.max);
    limits_.min = std::min(limits_.min, limits_.max);
    slots_ = std::clamp(slots_, std::max<std::size_t>(limits_.min, 1), limits_.max);
  }

  // The slots to have while `wanted` tasks run or wait for one.
  std::size_t scale(std::size_t wanted, Clock::time_point now) {
    const std::size_t target =
        std::clamp(wanted, std::max<std::size_t>(limits_.min, 1), limits_.max);
    if (target > slots_) {
      slots_ = target;
      last_growth_ = now;
    } else if (target < slots_ && now - last_growth_ >= keepalive_) {
      slots_ = target;
    }
    return slots_;
  }

 private:
  AutoscaleLimits limits_;
  Seconds keepalive_;
  std::size_t slots_;
  Clock::time_point last_growth_{};
};

}  // namespace celeriac::worker
