// The border between callbacks and coroutines.
//
// Whoever owns an operation keeps its `Completion<T>`; who waits for it awaits the
// `Pending<T>` that belongs to it:
//
//   struct Operation { Completion<Reply> done; … };
//   Pending<Reply> send(Command command) {
//     Completion<Reply> done(loop_);
//     Pending<Reply> pending = done.pending();
//     operations_.push_back({std::move(done), …});
//     return pending;
//   }
//   … in the callback of the library: operations_.front().done.complete(reply);
//
// Either side may go first. A waiter that was interrupted or destroyed has abandoned
// the operation: what completes it later is dropped. An operation destroyed before it
// is completed ends its waiter as Cancelled. Loop thread only.
#pragma once

#include <celeriac/async.h>

#include <cassert>
#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include "worker/loop/loop.h"

namespace celeriac::worker {

template <class T>
class Pending;

template <class T>
class [[nodiscard]] Completion {
 public:
  explicit Completion(Loop& loop) : loop_(&loop) {}
  Completion(Completion&& other) noexcept
      : loop_(other.loop_),
        waiter_(std::exchange(other.waiter_, nullptr)),
        on_abandoned_(std::move(other.on_abandoned_)) {
    if (waiter_) waiter_->completion_ = this;
  }
  Completion& operator=(Completion&& other) noexcept {
    if (this != &other) {
      give_up();
      loop_ = other.loop_;
      waiter_ = std::exchange(other.waiter_, nullptr);
      on_abandoned_ = std::move(other.on_abandoned_);
      if (waiter_) waiter_->completion_ = this;
    }
    return *this;
  }
  ~Completion() { give_up(); }

  // The other side; asked for once, before anything can complete.
  Pending<T> pending() {
    assert(!waiter_);
    return Pending<T>(*this);
  }

  // Whether somebody still wants the result.
  bool wanted() const { return waiter_ != nullptr; }

  // Called when the waiter abandons the operation. May destroy this object.
  void on_abandoned(MoveOnlyFunction<void()> function) { on_abandoned_ = std::move(function); }

  // The first of these counts; the waiter resumes later in this turn.
  template <class... Value>
  void complete(Value&&... value) {
    if (waiter_) waiter_->settle(std::in_place_index<1>, std::forward<Value>(value)...);
  }
  void fail(std::exception_ptr error) {
    if (waiter_) waiter_->settle(std::in_place_index<2>, std::move(error));
  }

 private:
  friend class Pending<T>;
  void give_up() {
    if (waiter_) waiter_->settle(std::in_place_index<2>, std::make_exception_ptr(Cancelled{}));
  }

  Loop* loop_;
  Pending<T>* waiter_ = nullptr;
  MoveOnlyFunction<void()> on_abandoned_;
};

// Awaited once. Does not suspend if the result is there already.
template <class T>
class [[nodiscard]] Pending final : private InterruptibleWait, private ReadyQueue::Item {
 public:
  Pending(Pending&& other) noexcept
      : loop_(other.loop_),
        completion_(std::exchange(other.completion_, nullptr)),
        result_(std::move(other.result_)) {
    assert(!other.coroutine_ && "what is being awaited cannot be moved");
    if (completion_) completion_->waiter_ = this;
  }
  ~Pending() override { abandon(); }

  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> coroutine) {
    Interruption* interruption = coroutine.promise().interruption();
    if (interruption && interruption->raised()) {
      abandon();
      result_.template emplace<2>(interruption->take());
      return false;
    }
    if (result_.index() != 0) return false;
    coroutine_ = coroutine;
    enter(interruption);
    return true;
  }
  T await_resume() {
    if (auto* error = std::get_if<2>(&result_)) std::rethrow_exception(std::move(*error));
    if constexpr (!std::is_void_v<T>) return std::move(std::get<1>(result_));
  }

 private:
  friend class Completion<T>;
  struct Nothing {};
  using Value = std::conditional_t<std::is_void_v<T>, Nothing, T>;

  explicit Pending(Completion<T>& completion) : loop_(completion.loop_), completion_(&completion) {
    completion.waiter_ = this;
  }

  template <std::size_t I, class... Arguments>
  void settle(std::in_place_index_t<I>, Arguments&&... arguments) {
    result_.template emplace<I>(std::forward<Arguments>(arguments)...);
    std::exchange(completion_, nullptr)->waiter_ = nullptr;
    leave();
    if (coroutine_) loop_->make_ready(*this);
  }
  void abandon() noexcept {
    if (!completion_) return;
    Completion<T>* completion = std::exchange(completion_, nullptr);
    completion->waiter_ = nullptr;
    if (auto on_abandoned = std::move(completion->on_abandoned_)) on_abandoned();
  }
  void interrupted(Interruption& interruption) noexcept override {
    abandon();
    result_.template emplace<2>(interruption.take());
    loop_->make_ready(*this);
  }
  void run_ready() override { coroutine_.resume(); }

  Loop* loop_;
  Completion<T>* completion_;
  std::coroutine_handle<> coroutine_;
  std::variant<std::monostate, Value, std::exception_ptr> result_;
};

// A Pending as the coroutine type that interfaces return.
template <class T>
Async<T> as_async(Pending<T> pending) {
  co_return co_await std::move(pending);
}

}  // namespace celeriac::worker
