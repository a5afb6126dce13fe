// The end of patience for something awaited.
#pragma once

#include <celeriac/async.h>
#include <celeriac/error.h>

#include <string>
#include <utility>

#include "worker/loop/timer.h"

namespace celeriac::worker {

// Interrupts the child with Timeout(text) when the time has come, and waits for it to
// end. A child that catches the Timeout may still return a value.
template <class T>
Async<T> with_deadline(Loop& loop, Clock::time_point deadline, std::string text, Async<T> child) {
  Interruption interruption;
  Timer timer(loop, [&] { interruption.interrupt(std::make_exception_ptr(Timeout(text))); });
  timer.start(deadline - loop.now());
  co_return co_await under(interruption, std::move(child));
}

}  // namespace celeriac::worker
