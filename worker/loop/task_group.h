// Coroutines that run side by side, owned by one object.
//
// The only place that starts a coroutine without awaiting it.
#pragma once

#include <celeriac/async.h>

#include <cstddef>
#include <exception>
#include <list>
#include <vector>

#include "worker/loop/completion.h"
#include "worker/loop/loop.h"
#include "worker/loop/move_only_function.h"

namespace celeriac::worker {

// Loop thread only; the loop must outlive it. Destroying it destroys the frames that
// still wait: their locals are destroyed, nothing of them runs any more.
class TaskGroup {
 public:
  // `on_failure` gets what escapes from a coroutine, except Cancelled.
  TaskGroup(Loop& loop, MoveOnlyFunction<void(std::exception_ptr)> on_failure);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  // Starts it in this turn of the loop, not inside the call.
  void spawn(Async<void> coroutine);

  // Every await of every coroutine throws Cancelled from now on, except under
  // `shielded`. Coroutines spawned later are not touched.
  void cancel_all();

  // Completes when nothing of the group runs any more. Not from inside the group.
  Async<void> join();

  std::size_t size() const;
  bool empty() const { return size() == 0; }

 private:
  class Member;

  void member_ended(Member& member);

  Loop& loop_;
  MoveOnlyFunction<void(std::exception_ptr)> on_failure_;
  std::list<Member> members_;
  std::vector<Completion<void>> joiners_;
};

}  // namespace celeriac::worker
