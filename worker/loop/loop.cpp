#include "worker/loop/loop.h"

#include <uv.h>

#include <cassert>

#include "worker/loop/handle.h"

namespace celeriac::worker {
namespace {

// A coroutine that makes itself ready for ever must not keep sockets waiting.
constexpr std::size_t kMaxResumptionsATurn = 10'000;

}  // namespace

// Prepare runs before the loop waits, check after it; an active idle handle keeps
// it from waiting at all.
struct Loop::Handles {
  explicit Handles(Loop& loop)
      : wake_up("uv_async_init",
                [&](uv_async_t* handle) {
                  return uv_async_init(loop.native(), handle, [](uv_async_t* woken) noexcept {
                    Handle<uv_async_t>::owner<Loop>(woken).run_posted();
                  });
                }),
        prepare("uv_prepare_init",
                [&](uv_prepare_t* handle) { return uv_prepare_init(loop.native(), handle); }),
        check("uv_check_init",
              [&](uv_check_t* handle) { return uv_check_init(loop.native(), handle); }),
        idle("uv_idle_init",
             [&](uv_idle_t* handle) { return uv_idle_init(loop.native(), handle); }) {
    wake_up.set_owner(&loop);
    prepare.set_owner(&loop);
    check.set_owner(&loop);
    uv_prepare_start(prepare.get(), [](uv_prepare_t* handle) noexcept {
      Handle<uv_prepare_t>::owner<Loop>(handle).end_turn();
    });
    uv_check_start(check.get(), [](uv_check_t* handle) noexcept {
      Handle<uv_check_t>::owner<Loop>(handle).run_ready();
    });
  }

  Handle<uv_async_t> wake_up;
  Handle<uv_prepare_t> prepare;
  Handle<uv_check_t> check;
  Handle<uv_idle_t> idle;
};

Loop::Loop() : native_(std::make_unique<uv_loop_t>()) {
  if (int status = uv_loop_init(native_.get()); status < 0) {
    throw Error(std::string("uv_loop_init: ") + uv_strerror(status));
  }
  handles_ = std::make_unique<Handles>(*this);
}

Loop::~Loop() {
  posted_.clear();
  at_turn_end_.clear();
  handles_.reset();
  // The close callbacks take a turn; a signal that is still on its way, a second; a name
  // that is being resolved, as long as it takes.
  int status = UV_EBUSY;
  for (int turn = 0; status != 0 && (turn < 3 || native_->active_reqs.count > 0); ++turn) {
    uv_run(native_.get(), native_->active_reqs.count > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    status = uv_loop_close(native_.get());
  }
  assert(status == 0 && "a handle outlives its loop");
}

void Loop::run() {
  uv_run(native_.get(), UV_RUN_DEFAULT);
}

void Loop::stop() {
  uv_stop(native_.get());
}

void Loop::post(MoveOnlyFunction<void()> function) {
  std::lock_guard lock(mutex_);
  posted_.push_back(std::move(function));
  if (posted_.size() == 1) uv_async_send(handles_->wake_up.get());
}

void Loop::at_turn_end(MoveOnlyFunction<void()> function) {
  at_turn_end_.push_back(std::move(function));
}

void Loop::run_posted() {
  std::vector<MoveOnlyFunction<void()>> posted;
  {
    std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (auto& function : posted) function();
}

void Loop::run_ready() {
  ready_.run(kMaxResumptionsATurn);
}

void Loop::end_turn() {
  run_ready();
  std::vector<MoveOnlyFunction<void()>> functions;
  functions.swap(at_turn_end_);
  for (auto& function : functions) function();
  if (ready_.empty() && at_turn_end_.empty()) {
    uv_idle_stop(handles_->idle.get());
  } else {
    uv_idle_start(handles_->idle.get(), [](uv_idle_t*) noexcept {});
  }
}

}  // namespace celeriac::worker
