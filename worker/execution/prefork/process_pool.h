// `-P prefork`: plain functions in child processes, one each.
//
// A function that crashes ends its own run and nothing else, and one that overruns its
// hard time limit is killed with its process. A new child takes the place of one that has
// gone, and gets work only when it has said that it is ready.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/execution/pool.h"
#include "worker/execution/prefork/child_process.h"
#include "worker/loop/completion.h"
#include "worker/loop/loop.h"
#include "worker/loop/task_group.h"
#include "worker/loop/timer.h"

namespace celeriac::worker::prefork {

struct ProcessPoolSettings {
  std::size_t processes = 1;
  std::optional<std::uint64_t> max_tasks_per_child{};       // then a child is replaced
  std::optional<std::uint64_t> max_memory_per_child_kib{};  // resident, looked at after a run
};

class ProcessPool final : public Pool {
 public:
  // Starts the children. `loop` must outlive it.
  ProcessPool(Loop& loop, ProcessPoolSettings settings);
  ~ProcessPool() override;

  std::string implementation() const override { return "celery.concurrency.prefork:TaskPool"; }
  Async<Json> run(FunctionCall call) override;
  bool can_kill() const override { return true; }
  std::vector<int> processes() const override;
  void resize(std::size_t calls) override;
  Async<void> stop() override;

 private:
  struct Job;
  struct Child;

  void start_missing_children();
  void start_child();
  void dispatch();
  void hand_over(Child& child, std::shared_ptr<Job> job);
  void on_frame(Child& child, Json frame);
  void on_outcome(Child& child, const Json& frame);
  void on_exit(Child& child, int wait_status);
  void abandon(Job& job);
  void plan_sweep();
  void sweep();
  bool is_worn_out(const Child& child, const Json& outcome) const;

  Loop& loop_;
  ProcessPoolSettings settings_;
  std::vector<std::unique_ptr<Child>> children_;
  // Jobs without a child. Shared with the coroutine that waits for the job: either may end
  // first, the job when its child dies, the coroutine when it is cancelled.
  std::deque<std::shared_ptr<Job>> waiting_;
  std::uint64_t children_started_ = 0;
  // Children in a row that ended before they were ready: something is wrong with them all.
  unsigned failed_starts_ = 0;
  bool stopping_ = false;
  bool sweep_planned_ = false;
  Timer restart_timer_;
  std::vector<Completion<void>> stop_waiters_;
};

}  // namespace celeriac::worker::prefork
