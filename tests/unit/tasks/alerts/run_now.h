// Runs a coroutine that never has to wait for the loop.
#pragma once

#include <celeriac/async.h>

#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace celeriac::alerts {

class RunNow {
 public:
  struct promise_type {
    Interruption* interruption() const noexcept { return nullptr; }
    RunNow get_return_object() { return RunNow(Frame::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }
    std::exception_ptr error;
  };
  using Frame = std::coroutine_handle<promise_type>;

  explicit RunNow(Frame frame) : frame_(frame) {}
  RunNow(const RunNow&) = delete;
  RunNow& operator=(const RunNow&) = delete;
  ~RunNow() { frame_.destroy(); }

  void finish() const {
    if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
    if (!frame_.done()) throw std::logic_error("the coroutine waits for something");
  }

 private:
  Frame frame_;
};

template <class T>
RunNow run_into(Async<T> work, std::optional<T>* result) {
  result->emplace(co_await std::move(work));
}
inline RunNow run_to_end(Async<void> work) {
  co_await std::move(work);
}

// What the coroutine returned; throws what it threw.
template <class T>
T run(Async<T> work) {
  std::optional<T> result;
  run_into(std::move(work), &result).finish();
  return std::move(*result);
}
inline void run(Async<void> work) {
  run_to_end(std::move(work)).finish();
}

}  // namespace celeriac::alerts
