// The one coroutine type.
//
// `Async<T>` is lazy: nothing runs before it is awaited. It is awaited once, by
// `co_await f()` or `co_await std::move(named)`, on the thread of the loop.
// What the coroutine throws, the await throws. Destroying one that waits destroys
// its frame and abandons what it waits for.
//
// Parameters of a coroutine are taken by value; a lambda with captures must not be
// one (the frame would refer to a closure that is gone).
//
// GCC 12 destroys some temporaries of an expression with co_await twice: aggregates
// and lambdas that own something (a string, a vector …), however they are passed. Name
// them on the line before, or keep the awaitable in a variable and await that.
#pragma once

#include <celeriac/interruption.h>

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace celeriac {

template <class T = void>
class Async;

namespace detail {

// What every frame of a chain knows: who goes on when it ends, and how it is
// interrupted.
//
// A child is started by a plain resume() inside the parent's await_suspend, and
// while that call is on the stack its end transfers to nobody: the parent just does
// not suspend. Symmetric transfer alone would grow the stack with every await of
// something that ends at once (GCC without optimisation, or under a sanitizer).
class PromiseBase {
 public:
  Interruption* interruption() const noexcept { return interruption_; }

  std::suspend_always initial_suspend() noexcept { return {}; }

  auto final_suspend() noexcept {
    struct Final {
      PromiseBase& promise;
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
        return promise.starting_ ? std::noop_coroutine() : promise.continuation_;
      }
      void await_resume() noexcept {}
    };
    return Final{*this};
  }

  // True if it ended at once, so that whoever awaits it need not suspend.
  bool start(std::coroutine_handle<> self, std::coroutine_handle<> continuation,
             Interruption* interruption) {
    assert(!continuation_ && "an Async is awaited once");
    continuation_ = continuation;
    interruption_ = interruption;
    starting_ = true;
    self.resume();
    starting_ = false;
    return self.done();
  }

 private:
  std::coroutine_handle<> continuation_;
  Interruption* interruption_ = nullptr;
  bool starting_ = false;
};

template <class T>
class Promise : public PromiseBase {
 public:
  Async<T> get_return_object() noexcept;
  void unhandled_exception() noexcept {
    result_.template emplace<std::exception_ptr>(std::current_exception());
  }
  template <class U = T>
  void return_value(U&& value) {
    result_.template emplace<T>(std::forward<U>(value));
  }
  T take() {
    if (auto* error = std::get_if<std::exception_ptr>(&result_)) std::rethrow_exception(*error);
    return std::move(std::get<T>(result_));
  }

 private:
  std::variant<std::monostate, T, std::exception_ptr> result_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Async<void> get_return_object() noexcept;
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  void return_void() noexcept {}
  void take() {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
};

}  // namespace detail

template <class T>
class [[nodiscard]] Async {
 public:
  using promise_type = detail::Promise<T>;
  using value_type = T;

  Async(Async&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Async& operator=(Async&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~Async() {
    if (frame_) frame_.destroy();
  }

  // Throws what the interruption asks for instead of starting the coroutine.
  auto operator co_await() && noexcept { return Await(frame_); }

 private:
  friend promise_type;
  template <class>
  friend class Under;

  using Frame = std::coroutine_handle<promise_type>;
  explicit Async(Frame frame) noexcept : frame_(frame) {}

  class Await {
   public:
    explicit Await(Frame frame) noexcept : frame_(frame) {}
    bool await_ready() const noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> parent) {
      Interruption* interruption = parent.promise().interruption();
      if (interruption && interruption->raised()) {
        refused_ = interruption->take();
        return false;
      }
      return !frame_.promise().start(frame_, parent, interruption);
    }
    T await_resume() {
      if (refused_) std::rethrow_exception(std::exchange(refused_, nullptr));
      return frame_.promise().take();
    }

   private:
    Frame frame_;
    std::exception_ptr refused_;
  };

  Frame frame_;
};

namespace detail {
template <class T>
Async<T> Promise<T>::get_return_object() noexcept {
  return Async<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Async<void> Promise<void>::get_return_object() noexcept {
  return Async<void>(std::coroutine_handle<Promise>::from_promise(*this));
}
}  // namespace detail

// Awaits a coroutine under an interruption of its own; see `under` and `shielded`.
template <class T>
class [[nodiscard]] Under : private InterruptibleWait {
 public:
  enum class Outer { passed_on, ignored };

  Under(Interruption* inner, Async<T> child, Outer outer)
      : inner_(inner ? inner : &own_), child_(std::move(child)), outer_(outer) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> parent) {
    Interruption* outer = parent.promise().interruption();
    if (outer && outer_ == Outer::passed_on) {
      enter(outer);
      if (outer->raised()) pass_on(*outer);
    }
    return !child_.frame_.promise().start(child_.frame_, parent, inner_);
  }
  T await_resume() {
    leave();
    return child_.frame_.promise().take();
  }

 private:
  // The child ends by itself; we go on waiting for it.
  void interrupted(Interruption& outer) noexcept override {
    enter(&outer);
    pass_on(outer);
  }
  void pass_on(Interruption& outer) {
    if (outer.cancelled()) {
      inner_->cancel();
    } else {
      inner_->interrupt(outer.take());
    }
  }

  Interruption own_;
  Interruption* inner_;
  Async<T> child_;
  Outer outer_;
};

// `co_await under(limits, f())`: `limits` interrupts f and what f awaits, and not the
// coroutine that waits here. Interruptions from outside are passed on to it.
// `inner` must live until the await is over.
template <class T>
Under<T> under(Interruption& inner, Async<T> child) {
  return Under<T>(&inner, std::move(child), Under<T>::Outer::passed_on);
}

// `co_await shielded(connection.close())`: runs to its end, also when the coroutine
// that waits is cancelled. For clean-up; keep it short and give it a deadline.
template <class T>
Under<T> shielded(Async<T> child) {
  return Under<T>(nullptr, std::move(child), Under<T>::Outer::ignored);
}

namespace detail {

// A coroutine that nobody awaits with co_await: its owner is told when it ends.
// Used by TaskGroup and when_all, which own the frames.
class Root {
 public:
  class Owner {
   public:
    // What to resume next, or std::noop_coroutine(). Must not destroy the root.
    virtual std::coroutine_handle<> ended(std::exception_ptr error) noexcept = 0;

   protected:
    ~Owner() = default;
  };

  class promise_type {
   public:
    template <class... Arguments>
    promise_type(Owner& owner, Interruption& interruption, Arguments&...)
        : owner_(owner), interruption_(interruption) {}

    Interruption* interruption() const noexcept { return &interruption_; }
    Root get_return_object() noexcept {
      return Root(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Final {
        promise_type& promise;
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
          return promise.owner_.ended(std::exchange(promise.error_, nullptr));
        }
        void await_resume() noexcept {}
      };
      return Final{*this};
    }
    void unhandled_exception() noexcept { error_ = std::current_exception(); }
    void return_void() noexcept {}

   private:
    Owner& owner_;
    Interruption& interruption_;
    std::exception_ptr error_;
  };

  Root() = default;
  Root(Root&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Root& operator=(Root&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Root() {
    if (frame_) frame_.destroy();
  }

  void resume() { frame_.resume(); }

 private:
  explicit Root(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

// The owner and the interruption are for the promise.
template <class T, class Sink>
Root run_into(Root::Owner&, Interruption&, Async<T> child, Sink* sink) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(child);
  } else {
    sink->emplace(co_await std::move(child));
  }
}

struct Nothing {};

// Waits for all children; the first failure cancels the others.
template <class T>
class AllOf : private InterruptibleWait {
 public:
  using Value = std::conditional_t<std::is_void_v<T>, Nothing, T>;

  explicit AllOf(std::vector<Async<T>> children) {
    for (Async<T>& child : children) {
      branches_.push_back(std::make_unique<Branch>(*this, std::move(child)));
    }
  }

  bool await_ready() const noexcept { return branches_.empty(); }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> parent) {
    parent_ = parent;
    running_ = branches_.size();
    Interruption* outer = parent.promise().interruption();
    enter(outer);
    if (outer && outer->raised()) pass_on(*outer);
    starting_ = true;
    for (auto& branch : branches_) branch->root.resume();
    starting_ = false;
    return running_ > 0;
  }
  std::vector<Value> await_resume() {
    leave();
    if (error_) std::rethrow_exception(error_);
    std::vector<Value> values;
    if constexpr (!std::is_void_v<T>) {
      values.reserve(branches_.size());
      for (auto& branch : branches_) values.push_back(std::move(*branch->value));
    }
    return values;
  }

 private:
  struct Branch final : Root::Owner {
    Branch(AllOf& all, Async<T> child)
        : all_of(all), root(run_into<T>(*this, interruption, std::move(child), &value)) {}
    std::coroutine_handle<> ended(std::exception_ptr error) noexcept override {
      return all_of.branch_ended(std::move(error));
    }
    AllOf& all_of;
    Interruption interruption;
    std::optional<Value> value;
    Root root;
  };

  std::coroutine_handle<> branch_ended(std::exception_ptr error) noexcept {
    if (error && !error_) {
      error_ = std::move(error);
      for (auto& branch : branches_) branch->interruption.cancel();
    }
    --running_;
    return running_ == 0 && !starting_ ? parent_ : std::noop_coroutine();
  }
  void interrupted(Interruption& outer) noexcept override {
    enter(&outer);
    pass_on(outer);
  }
  void pass_on(Interruption& outer) {
    if (outer.cancelled()) {
      for (auto& branch : branches_) branch->interruption.cancel();
    } else {
      std::exception_ptr error = outer.take();
      for (auto& branch : branches_) branch->interruption.interrupt(error);
    }
  }

  std::coroutine_handle<> parent_;
  std::vector<std::unique_ptr<Branch>> branches_;
  std::size_t running_ = 0;
  bool starting_ = false;
  std::exception_ptr error_;
};

}  // namespace detail

// Runs all at once and waits until each has ended; the values in the order of the
// arguments. The first failure cancels the others and is thrown when they have ended.
template <class T>
Async<std::vector<T>> when_all(std::vector<Async<T>> children) {
  detail::AllOf<T> all(std::move(children));
  co_return co_await all;
}
inline Async<void> when_all(std::vector<Async<void>> children) {
  detail::AllOf<void> all(std::move(children));
  co_await all;
}

}  // namespace celeriac
