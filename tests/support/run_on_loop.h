// Runs a coroutine on a loop until it has ended.
#pragma once

#include <celeriac/async.h>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "worker/loop/loop.h"
#include "worker/loop/task_group.h"

namespace celeriac::test {

template <class T>
Async<void> keep_value(Async<T> coroutine, std::optional<T>* value) {
  value->emplace(co_await std::move(coroutine));
}

// What the coroutine returns or throws; Cancelled too.
inline void run_on_loop(worker::Loop& loop, Async<void> coroutine) {
  std::exception_ptr error;
  auto watched = [](worker::Loop& stopped, Async<void> inner,
                    std::exception_ptr* caught) -> Async<void> {
    try {
      co_await std::move(inner);
    } catch (...) {
      *caught = std::current_exception();
    }
    stopped.stop();
  };
  worker::TaskGroup group(loop, [&](std::exception_ptr escaped) { error = std::move(escaped); });
  group.spawn(watched(loop, std::move(coroutine), &error));
  loop.run();
  if (error) std::rethrow_exception(error);
}

template <class T>
T run_on_loop(worker::Loop& loop, Async<T> coroutine) {
  std::optional<T> value;
  run_on_loop(loop, keep_value(std::move(coroutine), &value));
  return std::move(*value);
}

}  // namespace celeriac::test
