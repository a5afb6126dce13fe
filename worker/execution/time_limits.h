// The soft and the hard time limit of one run.
#pragma once

#include <celeriac/interruption.h>

#include <chrono>
#include <optional>

#include "worker/loop/loop.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {

// Counts from its construction. Both arguments must outlive it. Loop thread only.
class TimeLimits {
 public:
  // Told of a limit when it has passed, before the task is interrupted.
  class Listener {
   public:
    virtual void soft_limit_passed(double seconds) = 0;
    virtual void hard_limit_passed(double seconds) = 0;

   protected:
    ~Listener() = default;
  };

  // In seconds. A soft limit that is not below the hard one never comes to pass.
  TimeLimits(Loop& loop, std::optional<double> soft, std::optional<double> hard,
             Listener& listener);

 private:
  std::optional<Timer> soft_, hard_;
};

}  // namespace celeriac::worker
