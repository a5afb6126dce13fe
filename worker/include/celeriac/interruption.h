// How a running coroutine is told to stop waiting.
//
// Every chain of coroutines that await each other has one interruption; awaiting
// hands it down. All members are called on the loop thread.
#pragma once

#include <exception>
#include <utility>

namespace celeriac {

// Thrown by every await of a cancelled coroutine. No std::exception, so that a
// task's `catch (const std::exception&)` does not swallow it.
struct Cancelled {};

class InterruptibleWait;

// Must outlive the coroutines that run under it.
class Interruption {
 public:
  Interruption() = default;
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // The current await throws `error`, or the next one if nothing is awaited now.
  // Once: a coroutine that catches it goes on as before. What was awaited is
  // abandoned. Never resumes anything before it returns.
  inline void interrupt(std::exception_ptr error);

  // The current await and every later one throw Cancelled.
  inline void cancel();

  bool cancelled() const { return cancelled_; }

  // For awaitables: whether an await that begins now has to throw.
  bool raised() const { return cancelled_ || error_ != nullptr; }
  // For awaitables: what it throws. An error is handed out once.
  std::exception_ptr take() {
    if (cancelled_) return std::make_exception_ptr(Cancelled{});
    return std::exchange(error_, nullptr);
  }

 private:
  friend class InterruptibleWait;
  inline void deliver();

  std::exception_ptr error_;
  InterruptibleWait* wait_ = nullptr;
  bool cancelled_ = false;
};

// The base of awaitables that suspend. It registers with the interruption of the
// coroutine that waits, and leaves when the wait is over or is destroyed.
class InterruptibleWait {
 public:
  InterruptibleWait(const InterruptibleWait&) = delete;
  InterruptibleWait& operator=(const InterruptibleWait&) = delete;

 protected:
  InterruptibleWait() = default;
  virtual ~InterruptibleWait() { leave(); }

  // A coroutine awaits one thing at a time: nothing else may be registered.
  void enter(Interruption* interruption) {
    interruption_ = interruption;
    if (interruption_) interruption_->wait_ = this;
  }
  void leave() noexcept {
    if (interruption_ && interruption_->wait_ == this) interruption_->wait_ = nullptr;
    interruption_ = nullptr;
  }

  // Called once the wait has been left. Takes the error and arranges for the
  // coroutine to be resumed later; must not resume it.
  virtual void interrupted(Interruption& interruption) noexcept = 0;

 private:
  friend class Interruption;
  Interruption* interruption_ = nullptr;
};

inline void Interruption::deliver() {
  if (InterruptibleWait* wait = wait_) {
    wait->leave();
    wait->interrupted(*this);
  }
}

inline void Interruption::interrupt(std::exception_ptr error) {
  if (cancelled_) return;
  error_ = std::move(error);
  deliver();
}

inline void Interruption::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  error_ = nullptr;
  deliver();
}

}  // namespace celeriac
