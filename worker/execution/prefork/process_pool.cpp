#include "worker/execution/prefork/process_pool.h"

#include <celeriac/error.h>
#include <celeriac/retry.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "worker/execution/exception.h"
#include "worker/execution/prefork/outcome.h"
#include "worker/log/log.h"

namespace celeriac::worker::prefork {

namespace {

constexpr const char* kLogger = "celery.worker";
constexpr const char* kPoolLogger = "celery.concurrency.prefork";
constexpr auto kRestartDelay = std::chrono::seconds(1);
constexpr unsigned kFailedStartsBeforeDelay = 3;

void write_task_log(TaskLogger& log, const Json& frame) {
  const std::string level = frame["level"].string_or("");
  std::string text = frame["text"].string_or("");
  if (level == "DEBUG") return log.debug(std::move(text));
  if (level == "WARNING") return log.warning(std::move(text));
  if (level == "ERROR") return log.error(std::move(text));
  log.info(std::move(text));
}

// What a child asks for while it runs, done by the task's own context.
Async<Json> serve(Context* context, Json question) {
  const std::string type = question["type"].string_or("");
  if (type == "add_to_chord") {
    Signature signature = Signature::from_json(question["signature"]);
    co_await context->add_to_chord(std::move(signature));
    co_return Json();
  }
  if (type == "send") {
    Signature signature = Signature::from_json(question["signature"]);
    SentTask sent = co_await context->send(std::move(signature));
    JsonObject answer{{"id", sent.id}, {"result", sent.result}};
    co_return Json(std::move(answer));
  }
  co_await context->update_state(question["state"].string_or(""), question["meta"]);
  co_return Json();
}

}  // namespace

// One call on its way. Nothing of the call may be used once `abandoned` is set: its
// coroutine, and the context with it, has gone.
struct ProcessPool::Job {
  Job(Loop& loop, FunctionCall&& function_call)
      : call(std::move(function_call)),
        done(loop),
        soft_timer(loop, [this] { on_soft_time_limit(); }),
        questions(loop, [](std::exception_ptr) {}) {}

  void on_soft_time_limit();

  FunctionCall call;
  Completion<Json> done;
  Timer soft_timer;
  TaskGroup questions;  // at most one; ends with the job
  Child* child = nullptr;
  bool abandoned = false;

  Async<void> answer(Json question);
};

struct ProcessPool::Child {
  Child(ProcessPool& pool, std::uint64_t child_number)
      : process(pool.loop_, {[this, &pool](Json frame) { pool.on_frame(*this, std::move(frame)); },
                             [this, &pool](int status) { pool.on_exit(*this, status); }}),
        shown{"ForkPoolWorker-" + std::to_string(child_number), process.pid()} {}

  ChildProcess process;
  const log::Process shown;  // as billiard names it: counted from the start of the worker
  std::shared_ptr<Job> job;
  std::uint64_t runs = 0;
  bool ready = false;    // may get work
  bool leaving = false;  // gets no more work
  bool ended = false;    // to be swept away

  int run_number() const { return static_cast<int>(runs & 0x7fffffff); }
  bool idle() const { return ready && !leaving && !ended && !job; }
};

void ProcessPool::Job::on_soft_time_limit() {
  if (child) child->process.ask_to_stop(child->run_number());
}

Async<void> ProcessPool::Job::answer(Json question) {
  Json reply;
  try {
    Json value = co_await serve(&call.context, std::move(question));
    reply = Json::object({{"type", "answer"}, {"value", std::move(value)}});
  } catch (const std::exception& error) {
    reply = Json::object({{"type", "answer"}, {"error", error.what()}});
  }
  if (child) child->process.send(reply);
}

ProcessPool::ProcessPool(Loop& loop, ProcessPoolSettings settings)
    : loop_(loop), settings_(settings), restart_timer_(loop, [this] { start_missing_children(); }) {
  start_missing_children();
}

ProcessPool::~ProcessPool() = default;

Async<Json> ProcessPool::run(FunctionCall call) {
  auto job = std::make_shared<Job>(loop_, std::move(call));
  Pending<Json> pending = job->done.pending();
  job->done.on_abandoned([this, raw = job.get()] { abandon(*raw); });
  waiting_.push_back(job);
  dispatch();
  co_return co_await std::move(pending);
}

void ProcessPool::abandon(Job& job) {
  job.abandoned = true;
  job.soft_timer.stop();
  if (job.child) job.child->process.terminate();
  std::erase_if(waiting_, [&](const auto& waiting) { return waiting.get() == &job; });
}

void ProcessPool::start_missing_children() {
  const auto staying = static_cast<std::size_t>(
      std::count_if(children_.begin(), children_.end(),
                    [](const auto& child) { return !child->leaving && !child->ended; }));
  for (std::size_t i = staying; i < settings_.processes && !stopping_; ++i) start_child();
}

void ProcessPool::start_child() {
  try {
    children_.push_back(std::make_unique<Child>(*this, ++children_started_));
  } catch (const Error& error) {
    log::write(log::Level::error, kPoolLogger, error.what());
    restart_timer_.start(kRestartDelay);
  }
}

void ProcessPool::dispatch() {
  for (auto& child : children_) {
    if (waiting_.empty()) return;
    if (!child->idle()) continue;
    auto job = std::move(waiting_.front());
    waiting_.pop_front();
    hand_over(*child, std::move(job));
  }
}

void ProcessPool::hand_over(Child& child, std::shared_ptr<Job> job) {
  child.job = std::move(job);
  child.job->child = &child;
  FunctionCall& call = child.job->call;
  if (call.taken_by) call.taken_by(child.shown);
  child.process.send(Json::object({{"type", "run"},
                                   {"number", child.run_number()},
                                   {"task", call.definition.name},
                                   {"request", request_to_json(call.context.request())},
                                   {"args", std::move(call.args)},
                                   {"kwargs", std::move(call.kwargs)}}));
  if (call.soft_time_limit) {
    child.job->soft_timer.start(std::chrono::duration_cast<Clock::duration>(*call.soft_time_limit));
  }
}

void ProcessPool::on_frame(Child& child, Json frame) {
  const std::string type = frame["type"].string_or("");
  if (type == "ready") {
    child.ready = true;
    failed_starts_ = 0;
    dispatch();
  } else if (type == "outcome") {
    on_outcome(child, frame);
  } else if (child.job && !child.job->abandoned) {
    if (type == "log") {
      write_task_log(child.job->call.context.log(), frame);
    } else {
      child.job->questions.spawn(child.job->answer(std::move(frame)));
    }
  }
}

void ProcessPool::on_outcome(Child& child, const Json& frame) {
  ++child.runs;
  auto job = std::exchange(child.job, nullptr);
  if (!job) return;
  job->child = nullptr;
  job->soft_timer.stop();
  if (is_worn_out(child, frame)) child.leaving = true;
  if (child.leaving) {
    child.process.hang_up();
    start_missing_children();
  }
  try {
    job->done.complete(take_outcome(frame));
  } catch (...) {
    job->done.fail(std::current_exception());
  }
  dispatch();
}

bool ProcessPool::is_worn_out(const Child& child, const Json& outcome) const {
  if (settings_.max_tasks_per_child && child.runs >= *settings_.max_tasks_per_child) return true;
  const std::int64_t resident = outcome["rss"].as_int().value_or(0);
  return settings_.max_memory_per_child_kib &&
         static_cast<std::uint64_t>(resident) > *settings_.max_memory_per_child_kib;
}

void ProcessPool::on_exit(Child& child, int wait_status) {
  child.ended = true;
  const bool was_ready = std::exchange(child.ready, false);
  auto job = std::exchange(child.job, nullptr);
  const std::string how = describe_exit(wait_status);
  // A TERM that went to the whole process group is the worker's own end.
  const bool told_to_end = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGTERM;
  const bool as_wanted = job ? job->abandoned : child.leaving || told_to_end;
  if (was_ready && !as_wanted) {
    log::write(log::Level::error, kPoolLogger,
               "Process '" + child.shown.name + "' pid:" + std::to_string(child.shown.pid) +
                   " exited with '" + how + "'");
  } else if (!was_ready && !child.leaving) {
    ++failed_starts_;
    log::write(log::Level::error, kLogger,
               "A pool process ended before it was ready (" + how +
                   "); it registers the same tasks as the worker: look for what they do at start");
  }
  if (job) {
    job->child = nullptr;
    job->soft_timer.stop();
    if (!job->abandoned) {
      job->done.fail(
          std::make_exception_ptr(WorkerLost("Worker exited prematurely: " + how + " Job: 0.")));
    }
  }
  plan_sweep();
}

// A child cannot be destroyed inside its own callback.
void ProcessPool::plan_sweep() {
  if (std::exchange(sweep_planned_, true)) return;
  loop_.at_turn_end([this] { sweep(); });
}

void ProcessPool::sweep() {
  sweep_planned_ = false;
  std::erase_if(children_, [](const auto& child) { return child->ended; });
  if (stopping_ && children_.empty()) {
    for (auto& waiter : std::exchange(stop_waiters_, {})) waiter.complete();
    return;
  }
  if (failed_starts_ >= kFailedStartsBeforeDelay) {
    restart_timer_.start(kRestartDelay);
  } else {
    start_missing_children();
  }
}

std::vector<int> ProcessPool::processes() const {
  std::vector<int> pids;
  for (const auto& child : children_) {
    if (!child->ended) pids.push_back(child->process.pid());
  }
  return pids;
}

void ProcessPool::resize(std::size_t calls) {
  settings_.processes = calls;
  std::size_t staying = 0;
  for (auto& child : children_) {
    if (child->ended || child->leaving) continue;
    if (++staying <= calls) continue;
    child->leaving = true;
    if (!child->job) child->process.hang_up();
  }
  start_missing_children();
}

Async<void> ProcessPool::stop() {
  stopping_ = true;
  restart_timer_.stop();
  for (auto& child : children_) {
    child->leaving = true;
    if (!child->job) child->process.hang_up();
  }
  if (children_.empty()) co_return;
  Completion<void> ended(loop_);
  Pending<void> pending = ended.pending();
  stop_waiters_.push_back(std::move(ended));
  co_await std::move(pending);
}

}  // namespace celeriac::worker::prefork
