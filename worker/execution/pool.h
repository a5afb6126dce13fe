// Where plain functions run: threads, or child processes.
#pragma once

#include <celeriac/async.h>
#include <celeriac/context.h>
#include <celeriac/error.h>
#include <celeriac/registry.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "worker/log/process.h"

namespace celeriac::worker {

// The process or thread that ran a task ended with it (billiard's WorkerLostError).
class WorkerLost : public Error {
 public:
  using Error::Error;
};

// One call of a plain function. What it refers to lives until the call is over.
struct FunctionCall {
  const TaskDefinition& definition;
  Context& context;  // of the running task: request, logger, update_state, send
  Json::Array args;
  JsonObject kwargs;
  // After this long the function is told to stop, which it can see by
  // BlockingContext::stop_requested. Seconds from the start.
  std::optional<std::chrono::duration<double>> soft_time_limit{};
  // Told on the loop when a child process takes it; threads are none.
  std::function<void(const log::Process&)> taken_by{};
};

// Loop thread only.
class Pool {
 public:
  virtual ~Pool() = default;

  // Celery's name for it, in `inspect stats`: celery.concurrency.thread:TaskPool …
  virtual std::string implementation() const = 0;

  // Runs one call, in a slot that the caller has made sure of. Returns what the function
  // returned and throws what it threw (TaskError, Retry, Reject …), or WorkerLost. When the
  // awaiting coroutine is cancelled (hard time limit, revoke with terminate) a child process
  // is killed; a thread cannot be, so its call goes on and its outcome is dropped.
  virtual Async<Json> run(FunctionCall call) = 0;

  // True if a call can be ended from outside, so that hard limits hold.
  virtual bool can_kill() const = 0;
  // Whether a hard time limit can end this task: a coroutine ends anywhere.
  bool can_end(const TaskDefinition& task) const { return task.is_coroutine() || can_kill(); }
  // Process ids of the children; empty for threads.
  virtual std::vector<int> processes() const = 0;

  // How many calls may run at the same time.
  virtual void resize(std::size_t calls) = 0;

  // Nothing is started any more; completes when what runs has ended.
  virtual Async<void> stop() = 0;
};

}  // namespace celeriac::worker
