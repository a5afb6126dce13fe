#include "worker/loop/timer.h"

#include <uv.h>

#include <algorithm>

#include "worker/loop/callback.h"
#include "worker/loop/completion.h"
#include "worker/loop/handle.h"

namespace celeriac::worker {
namespace {

std::uint64_t whole_milliseconds(Clock::duration duration) {
  auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<std::uint64_t>(std::max<decltype(milliseconds)>(milliseconds, 0));
}

}  // namespace

struct Timer::State {
  State(Loop& loop, MoveOnlyFunction<void()> function)
      : on_time(std::move(function)), handle("uv_timer_init", [&](uv_timer_t* timer) {
          return uv_timer_init(loop.native(), timer);
        }) {
    handle.set_owner(this);
  }
  Callback<> on_time;
  Handle<uv_timer_t> handle;
};

Timer::Timer(Loop& loop, MoveOnlyFunction<void()> on_time)
    : state_(std::make_unique<State>(loop, std::move(on_time))) {}

Timer::~Timer() = default;

void Timer::start(Clock::duration delay) {
  start(delay, Clock::duration::zero());
}

void Timer::start_repeating(Clock::duration interval) {
  start(interval, std::max<Clock::duration>(interval, std::chrono::milliseconds(1)));
}

void Timer::start(Clock::duration delay, Clock::duration interval) {
  uv_timer_t* timer = state_->handle.get();
  // libuv counts from the start of the turn, by a clock cut to milliseconds: without
  // these a timer set late in a long turn would fire early.
  uv_update_time(timer->loop);
  std::uint64_t milliseconds = whole_milliseconds(delay);
  if (milliseconds > 0) ++milliseconds;
  uv_timer_start(
      timer, [](uv_timer_t* fired) noexcept { Handle<uv_timer_t>::owner<State>(fired).on_time(); },
      milliseconds, whole_milliseconds(interval));
}

void Timer::stop() {
  uv_timer_stop(state_->handle.get());
}

Async<void> sleep_for(Loop& loop, Clock::duration duration) {
  Completion<void> done(loop);
  Pending<void> pending = done.pending();
  Timer timer(loop, [&done] { done.complete(); });
  timer.start(duration);
  co_await std::move(pending);
}

Async<void> sleep_until(Loop& loop, Clock::time_point time) {
  return sleep_for(loop, time - loop.now());
}

}  // namespace celeriac::worker
