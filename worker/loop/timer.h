// Time that passes on the loop.
#pragma once

#include <celeriac/async.h>

#include <chrono>
#include <memory>

#include "worker/loop/loop.h"
#include "worker/loop/move_only_function.h"

namespace celeriac::worker {

// Calls a function once or again and again. Loop thread only; the loop must outlive it.
// The function may start, stop or destroy the timer.
class Timer {
 public:
  Timer(Loop& loop, MoveOnlyFunction<void()> on_time);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  // Never early; libuv counts milliseconds. Replaces what was set before.
  void start(Clock::duration delay);
  void start_repeating(Clock::duration interval);
  void stop();

 private:
  struct State;
  void start(Clock::duration delay, Clock::duration interval);
  std::unique_ptr<State> state_;
};

// Waits on the loop; no thread sleeps.
Async<void> sleep_for(Loop& loop, Clock::duration duration);
Async<void> sleep_until(Loop& loop, Clock::time_point time);

}  // namespace celeriac::worker
