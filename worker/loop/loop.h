// The event loop: one thread owns all mutable state of the worker and runs here.
//
// One turn: timers and I/O call back, what became ready is resumed, the end-of-turn
// functions run once, and the loop waits for the next event.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "worker/loop/move_only_function.h"
#include "worker/loop/ready_queue.h"

struct uv_loop_s;

namespace celeriac::worker {

using Clock = std::chrono::steady_clock;

// Everything that uses the loop must be gone before it, thread pools included.
// Only `post` may be called from other threads.
class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // Runs until `stop`, and may then be run again.
  void run();

  // Makes `run` return after this turn; before `run`, after its first turn.
  void stop();

  // Runs the function on the loop thread, soon, in the order of the posts. From any
  // thread. What is still waiting when the loop is destroyed is destroyed unrun.
  void post(MoveOnlyFunction<void()> function);

  // Runs the function once, when everything that is ready in this turn has run and
  // before the loop waits again. For work that is cheaper in one go, such as acks.
  void at_turn_end(MoveOnlyFunction<void()> function);

  // Has the item run in this turn, never from inside this call.
  void make_ready(ReadyQueue::Item& item) { ready_.push(item); }

  // Monotonic.
  Clock::time_point now() const { return Clock::now(); }

  // For the wrappers of libuv handles in this folder.
  uv_loop_s* native() { return native_.get(); }

 private:
  struct Handles;

  void run_posted();
  void run_ready();
  void end_turn();

  std::unique_ptr<uv_loop_s> native_;
  std::unique_ptr<Handles> handles_;
  ReadyQueue ready_;
  std::vector<MoveOnlyFunction<void()>> at_turn_end_;

  std::mutex mutex_;
  std::vector<MoveOnlyFunction<void()>> posted_;  // guarded by mutex_
};

}  // namespace celeriac::worker
