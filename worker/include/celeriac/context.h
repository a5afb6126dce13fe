// What a running task may ask for.
#pragma once

#include <celeriac/async.h>
#include <celeriac/http.h>
#include <celeriac/json.h>
#include <celeriac/redis.h>
#include <celeriac/request.h>
#include <celeriac/retry.h>
#include <celeriac/signature.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace celeriac {

// A signature that was published: a task, or the last of a chain, a group, a chord's body.
// Returned by a task it becomes what Celery makes of an AsyncResult.
struct SentTask {
  std::string id;
  Json result;  // the result tuple, with the parents
};
inline Json to_json(const SentTask& sent) {
  return sent.result;
}

// Lines that carry the task's name and id. Levels are Celery's.
class TaskLogger {
 public:
  virtual ~TaskLogger() = default;
  virtual void debug(std::string text) = 0;
  virtual void info(std::string text) = 0;
  virtual void warning(std::string text) = 0;
  virtual void error(std::string text) = 0;
};

// For coroutine tasks: they run on the event loop, thousands at a time. A task's
// Context lives as long as the task; use it only inside that task. Everything
// that returns Async can be cancelled: a revoke, a time limit or a cold shutdown
// ends the task at its next co_await, and destructors clean up.
class Context {
 public:
  virtual ~Context() = default;

  virtual const Request& request() const = 0;
  virtual TaskLogger& log() = 0;

  // One client per worker, connections kept alive. Requests carry the trace context of the message
  // (traceparent, tracestate) on.
  virtual HttpClient& http() = 0;
  // The Redis at this URL, one connection per worker and URL. Empty: the result backend's.
  // Throws ConfigError if there is none or the URL is wrong.
  virtual RedisClient& redis(const std::string& url = {}) = 0;

  // Resumes after the duration, or throws Cancelled or SoftTimeLimitExceeded.
  virtual Async<void> sleep(std::chrono::duration<double> duration) = 0;

  // Runs a blocking function on the pool and resumes with what it returned or threw.
  // A task that is cancelled meanwhile does not wait for it. A lambda that owns
  // something is named first and passed as it is, a copy is kept: GCC 12 destroys a
  // temporary one twice if the same expression has a co_await, so that does not compile.
  template <class F>
  Async<std::invoke_result_t<std::decay_t<F>&>> offload(F&& function);

  // Stores a custom state with its meta data, e.g. ("PROGRESS", {"done": 3}).
  virtual Async<void> update_state(std::string state, Json meta) = 0;

  // Publishes a signature as a child of this task and waits for the broker's confirm.
  virtual Async<SentTask> send(Signature signature) = 0;
  // The result of a task sent before, as soon as it is there. Throws TaskError as the task
  // failed, and Timeout.
  virtual Async<Json> wait_result(std::string task_id, std::chrono::duration<double> timeout) = 0;

  // The object to throw: `throw ctx.retry({.countdown = 30s, .reason = "busy"})`.
  // Works in a catch handler too, where it keeps the exception as the cause.
  Retry retry(RetryOptions options = {}) const;
  // `throw ctx.replace(signature)`.
  Replace replace(Signature with) const { return Replace{std::move(with)}; }
  // Adds a task to the chord this one is a part of (Task.add_to_chord).
  virtual Async<void> add_to_chord(Signature signature) = 0;

  // Wall clock, and a counter of named values for the metrics endpoint; both are the
  // worker's, so that tests can stand still.
  virtual std::chrono::system_clock::time_point now() const = 0;
  using Labels = std::vector<std::pair<std::string, std::string>>;
  virtual void count(const std::string& metric, const Labels& labels, double amount = 1) = 0;
  virtual void observe(const std::string& metric, const Labels& labels, double value) = 0;

 protected:
  virtual Async<void> run_on_pool(std::function<void()> job) = 0;

 private:
  template <class F>
  struct Offloaded {
    using Result = std::invoke_result_t<F&>;
    template <class G>
    explicit Offloaded(G&& f) : function(std::forward<G>(f)) {}
    void run() {
      if constexpr (std::is_void_v<Result>) {
        function();
      } else {
        result.emplace(function());
      }
    }
    F function;
    std::optional<std::conditional_t<std::is_void_v<Result>, std::monostate, Result>> result;
  };

  // Owned by the thread that runs it and by the task that waits: a cancelled task goes
  // first, a finished job otherwise.
  template <class F>
  Async<typename Offloaded<F>::Result> run_offloaded(std::shared_ptr<Offloaded<F>> work);
};

// For plain functions, which may block: what they can use from their thread or child
// process. A function that wants it takes it as its first parameter. What has the name of a
// member of Context means the same, and returns when it is done.
class BlockingContext {
 public:
  virtual ~BlockingContext() = default;
  virtual const Request& request() const = 0;
  virtual TaskLogger& log() = 0;
  // True once the task was revoked with terminate, ran into a limit, or the worker shuts
  // down cold: a long loop should look and return.
  virtual bool stop_requested() const = 0;
  virtual void update_state(std::string state, Json meta) = 0;
  virtual SentTask send(Signature signature) = 0;
  Retry retry(RetryOptions options = {}) const;
  Replace replace(Signature with) const { return Replace{std::move(with)}; }
  virtual void add_to_chord(Signature signature) = 0;
};

template <class F>
Async<std::invoke_result_t<std::decay_t<F>&>> Context::offload(F&& function) {
  static_assert(std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<F>,
                "name the lambda first: `auto job = [...] {...}; co_await ctx.offload(job);`");
  return run_offloaded(std::make_shared<Offloaded<std::decay_t<F>>>(std::forward<F>(function)));
}

template <class F>
Async<typename Context::Offloaded<F>::Result> Context::run_offloaded(
    std::shared_ptr<Offloaded<F>> work) {
  std::function<void()> job = [work] { work->run(); };
  co_await run_on_pool(std::move(job));
  if constexpr (!std::is_void_v<typename Offloaded<F>::Result>) {
    co_return std::move(*work->result);
  }
}

}  // namespace celeriac
