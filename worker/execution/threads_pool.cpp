#include "worker/execution/threads_pool.h"

#include <atomic>
#include <future>
#include <memory>

#include "worker/log/log.h"
#include "worker/loop/task_group.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

class ThreadLogger final : public TaskLogger {
 public:
  ThreadLogger(std::string name, std::string id) : name_(std::move(name)), id_(std::move(id)) {}
  void debug(std::string text) override { write(log::Level::debug, text); }
  void info(std::string text) override { write(log::Level::info, text); }
  void warning(std::string text) override { write(log::Level::warning, text); }
  void error(std::string text) override { write(log::Level::error, text); }

 private:
  void write(log::Level level, const std::string& text) {
    log::write_from_task(level, text, {name_, id_});
  }
  std::string name_, id_;
};

// Ends a thread's wait for the loop.
template <class T>
Async<void> answer(Async<T> work, std::promise<T> promise) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work);
      promise.set_value();
    } else {
      promise.set_value(co_await std::move(work));
    }
  } catch (...) {
    promise.set_exception(std::current_exception());
  }
}

// One call on its thread. What it asks of the loop is passed to the context of the coroutine
// that waits for it, as long as that one waits.
class ThreadCall final : public BlockingContext, public std::enable_shared_from_this<ThreadCall> {
 public:
  ThreadCall(Loop& loop, FunctionCall call)
      : loop_(loop),
        function_(std::get<TaskDefinition::Function>(call.definition.body)),
        args_(std::move(call.args)),
        kwargs_(std::move(call.kwargs)),
        request_(call.context.request()),
        logger_(request_.shadow.empty() ? request_.task : request_.shadow, request_.id) {}

  // On the thread.
  Json run() { return function_(*this, std::move(args_), std::move(kwargs_)); }
  const Request& request() const override { return request_; }
  TaskLogger& log() override { return logger_; }
  bool stop_requested() const override { return stop_requested_; }
  void update_state(std::string state, Json meta) override {
    on_loop<void>([state = std::move(state), meta = std::move(meta)](Context& context) mutable {
      return context.update_state(std::move(state), std::move(meta));
    });
  }
  SentTask send(Signature signature) override {
    return on_loop<SentTask>([signature = std::move(signature)](Context& context) mutable {
      return context.send(std::move(signature));
    });
  }
  void add_to_chord(Signature signature) override {
    on_loop<void>([signature = std::move(signature)](Context& context) mutable {
      return context.add_to_chord(std::move(signature));
    });
  }

  // On the loop.
  void request_stop() { stop_requested_ = true; }
  void attach(Context& context, TaskGroup& requests) {
    context_ = &context;
    requests_ = &requests;
  }
  void detach() {
    context_ = nullptr;
    requests_ = nullptr;
    request_stop();
  }

 private:
  template <class T, class Ask>
  T on_loop(Ask ask) {
    std::promise<T> promise;
    std::future<T> future = promise.get_future();
    loop_.post(
        [self = shared_from_this(), ask = std::move(ask), promise = std::move(promise)]() mutable {
          if (!self->context_) {
            promise.set_exception(std::make_exception_ptr(Cancelled()));
            return;
          }
          self->requests_->spawn(answer<T>(ask(*self->context_), std::move(promise)));
        });
    try {
      return future.get();
    } catch (const std::future_error&) {
      throw Cancelled();  // the task was ended, or the worker is going down
    }
  }

  Loop& loop_;
  const TaskDefinition::Function& function_;
  Json::Array args_;
  JsonObject kwargs_;
  Request request_;
  ThreadLogger logger_;
  std::atomic<bool> stop_requested_ = false;
  Context* context_ = nullptr;     // loop thread
  TaskGroup* requests_ = nullptr;  // loop thread
};

struct Detach {
  ThreadCall& call;
  ~Detach() { call.detach(); }
};

}  // namespace

Async<Json> ThreadsPool::run(FunctionCall call) {
  Context& context = call.context;
  const std::optional<std::chrono::duration<double>> soft = call.soft_time_limit;
  // Owned by the thread that runs it and by this coroutine: a cancelled task goes first, a
  // finished call otherwise.
  auto shared = std::make_shared<ThreadCall>(loop_, std::move(call));
  TaskGroup requests(loop_, [](std::exception_ptr) {});
  shared->attach(context, requests);
  const Detach detach{*shared};

  std::optional<Timer> timer;
  if (soft) {
    timer.emplace(loop_, [&shared] { shared->request_stop(); });
    timer->start(std::chrono::duration_cast<Clock::duration>(*soft));
  }
  auto job = [shared] { return shared->run(); };
  co_return co_await threads_.run(job);
}

}  // namespace celeriac::worker
