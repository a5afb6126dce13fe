// Signals of the process, delivered on the loop.
#pragma once

#include <memory>

#include "worker/loop/loop.h"
#include "worker/loop/move_only_function.h"

namespace celeriac::worker {

// Calls the function with the signal's number on each arrival, as long as it lives.
// The function may destroy it.
class Signal {
 public:
  Signal(Loop& loop, int number, MoveOnlyFunction<void(int)> on_signal);
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace celeriac::worker
