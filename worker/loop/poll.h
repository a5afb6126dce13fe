// Watches one file descriptor, for libraries that do their own reading and writing.
#pragma once

#include <memory>

#include "worker/loop/loop.h"
#include "worker/loop/move_only_function.h"

namespace celeriac::worker {

// Loop thread only; the loop must outlive it. Destroy it before the descriptor is
// closed. The function may change the interest or destroy the Poll.
class Poll {
 public:
  struct Events {
    bool readable = false;
    bool writable = false;
    // The descriptor is broken: reading or writing will tell why. The interest is
    // dropped and both other members are true.
    bool failed = false;
  };
  struct Interest {
    bool read = false;
    bool write = false;
    bool operator==(const Interest&) const = default;
  };

  Poll(Loop& loop, int descriptor, MoveOnlyFunction<void(Events)> on_events);
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;
  ~Poll();

  // Level triggered. No interest at all stops watching.
  void watch(Interest interest);
  Interest interest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace celeriac::worker
