#include "worker/loop/task_group.h"

namespace celeriac::worker {

// Is made ready twice: to begin, and to be taken down once its frame has ended.
class TaskGroup::Member final : private ReadyQueue::Item, private detail::Root::Owner {
 public:
  Member(TaskGroup& group, Async<void> coroutine)
      : group_(group),
        root_(detail::run_into<void, void>(*this, interruption_, std::move(coroutine), nullptr)) {
    group_.loop_.make_ready(*this);
  }

  void cancel() { interruption_.cancel(); }

  std::list<Member>::iterator place;

 private:
  void run_ready() override {
    if (ended_) {
      report();
      group_.member_ended(*this);
    } else {
      root_.resume();
    }
  }
  std::coroutine_handle<> ended(std::exception_ptr error) noexcept override {
    ended_ = true;
    error_ = std::move(error);
    group_.loop_.make_ready(*this);
    return std::noop_coroutine();
  }
  void report() {
    if (!error_) return;
    try {
      std::rethrow_exception(error_);
    } catch (const Cancelled&) {
      return;  // the end that was asked for
    } catch (...) {
      group_.on_failure_(std::current_exception());
    }
  }

  TaskGroup& group_;
  Interruption interruption_;
  bool ended_ = false;
  std::exception_ptr error_;
  detail::Root root_;
};

TaskGroup::TaskGroup(Loop& loop, MoveOnlyFunction<void(std::exception_ptr)> on_failure)
    : loop_(loop), on_failure_(std::move(on_failure)) {}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(Async<void> coroutine) {
  Member& member = members_.emplace_back(*this, std::move(coroutine));
  member.place = std::prev(members_.end());
}

void TaskGroup::cancel_all() {
  for (Member& member : members_) member.cancel();
}

std::size_t TaskGroup::size() const {
  return members_.size();
}

void TaskGroup::member_ended(Member& member) {
  members_.erase(member.place);
  if (!members_.empty()) return;
  std::vector<Completion<void>> joiners;
  joiners.swap(joiners_);
  for (Completion<void>& joiner : joiners) joiner.complete();
}

Async<void> TaskGroup::join() {
  if (members_.empty()) co_return;
  Completion<void> done(loop_);
  Pending<void> pending = done.pending();
  joiners_.push_back(std::move(done));
  co_await std::move(pending);
}

}  // namespace celeriac::worker
