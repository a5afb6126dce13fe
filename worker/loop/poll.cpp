#include "worker/loop/poll.h"

#include <uv.h>

#include "worker/loop/callback.h"
#include "worker/loop/handle.h"

namespace celeriac::worker {

struct Poll::State {
  State(Loop& loop, int descriptor, MoveOnlyFunction<void(Events)> function)
      : on_events(std::move(function)), handle("uv_poll_init", [&](uv_poll_t* poll) {
          return uv_poll_init(loop.native(), poll, descriptor);
        }) {
    handle.set_owner(this);
  }

  static void on_poll(uv_poll_t* poll, int status, int events) noexcept {
    State& state = Handle<uv_poll_t>::owner<State>(poll);
    if (status < 0) {
      state.interest = {};  // libuv has stopped the handle
      state.on_events({.readable = true, .writable = true, .failed = true});
    } else {
      state.on_events({.readable = (events & UV_READABLE) != 0,
                       .writable = (events & UV_WRITABLE) != 0,
                       .failed = false});
    }
  }

  Callback<Events> on_events;
  Interest interest;
  Handle<uv_poll_t> handle;
};

Poll::Poll(Loop& loop, int descriptor, MoveOnlyFunction<void(Events)> on_events)
    : state_(std::make_unique<State>(loop, descriptor, std::move(on_events))) {}

Poll::~Poll() = default;

void Poll::watch(Interest interest) {
  if (interest == state_->interest) return;
  state_->interest = interest;
  int events = (interest.read ? UV_READABLE : 0) | (interest.write ? UV_WRITABLE : 0);
  if (events == 0) {
    uv_poll_stop(state_->handle.get());
  } else {
    uv_poll_start(state_->handle.get(), events, &State::on_poll);
  }
}

Poll::Interest Poll::interest() const {
  return state_->interest;
}

}  // namespace celeriac::worker
