// Work that waits for the network, done on a thread of its own and awaited on the loop.
#pragma once

#include <celeriac/async.h>

#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "worker/broker/amqp/interrupter.h"
#include "worker/loop/completion.h"
#include "worker/loop/loop.h"
#include "worker/loop/move_only_function.h"

namespace celeriac::worker::amqp {

// Runs `work(interrupter)` and resumes with its value, or throws what it threw. When the
// waiter is cancelled or destroyed, the work is interrupted and its end waited for.
// Loop and interrupter must outlive the wait.
template <class T>
Async<T> run_errand(Loop& loop, Interrupter& interrupter, MoveOnlyFunction<T(Interrupter&)> work) {
  // Shared by the coroutine and what the thread posts: either may be gone first.
  struct State {
    explicit State(Loop& on) : ended(on) {}
    Completion<void> ended;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    std::exception_ptr error;
  };
  struct Joined {
    Interrupter& interrupter;
    std::thread thread;
    ~Joined() {
      if (!thread.joinable()) return;
      interrupter.interrupt();
      thread.join();
    }
  };

  const auto state = std::make_shared<State>(loop);
  Pending<void> ended = state->ended.pending();
  Joined joined{interrupter, std::thread([&loop, &interrupter, state, &work] {
                  try {
                    if constexpr (std::is_void_v<T>) {
                      work(interrupter);
                    } else {
                      state->value.emplace(work(interrupter));
                    }
                  } catch (...) {
                    state->error = std::current_exception();
                  }
                  loop.post([state] { state->ended.complete(); });
                })};
  co_await std::move(ended);
  joined.thread.join();
  if (state->error) std::rethrow_exception(state->error);
  if constexpr (!std::is_void_v<T>) co_return std::move(*state->value);
}

}  // namespace celeriac::worker::amqp
