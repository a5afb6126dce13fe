// A function that may destroy the object that calls it.
#pragma once

#include <utility>

#include "worker/loop/move_only_function.h"

namespace celeriac::worker {

template <class... Arguments>
class Callback {
 public:
  explicit Callback(MoveOnlyFunction<void(Arguments...)> function)
      : running_(new Running{std::move(function)}) {}
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  ~Callback() {
    if (running_->now) {
      running_->orphaned = true;
    } else {
      delete running_;
    }
  }

  // Nothing of this object is touched once the function has returned.
  void operator()(Arguments... arguments) {
    Running* running = running_;
    running->now = true;
    running->function(arguments...);
    running->now = false;
    if (running->orphaned) delete running;
  }

 private:
  // Outlives the Callback while the function is on the stack.
  struct Running {
    MoveOnlyFunction<void(Arguments...)> function;
    bool now = false;
    bool orphaned = false;
  };
  Running* running_;
};

}  // namespace celeriac::worker
