#include "worker/loop/signals.h"

#include <uv.h>

#include "worker/loop/callback.h"
#include "worker/loop/handle.h"

namespace celeriac::worker {

struct Signal::State {
  State(Loop& loop, MoveOnlyFunction<void(int)> function)
      : on_signal(std::move(function)), handle("uv_signal_init", [&](uv_signal_t* signal) {
          return uv_signal_init(loop.native(), signal);
        }) {
    handle.set_owner(this);
  }
  Callback<int> on_signal;
  Handle<uv_signal_t> handle;
};

Signal::Signal(Loop& loop, int number, MoveOnlyFunction<void(int)> on_signal)
    : state_(std::make_unique<State>(loop, std::move(on_signal))) {
  int status = uv_signal_start(
      state_->handle.get(),
      [](uv_signal_t* signal, int arrived) noexcept {
        Handle<uv_signal_t>::owner<State>(signal).on_signal(arrived);
      },
      number);
  if (status < 0) {
    throw Error("signal " + std::to_string(number) + " cannot be handled: " + uv_strerror(status));
  }
}

Signal::~Signal() = default;

}  // namespace celeriac::worker
