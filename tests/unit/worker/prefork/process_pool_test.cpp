#include "worker/execution/prefork/process_pool.h"

#include <celeriac/retry.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "tests/unit/worker/prefork/tasks.h"
#include "worker/loop/task_group.h"

namespace {

long add(long x, long y) {
  return x + y;
}
long process_id() {
  return getpid();
}
long fail(std::string text) {
  throw std::invalid_argument(text);
}
long crash() {
  std::abort();
}
long wait_for_stop(celeriac::BlockingContext& ctx) {
  while (!ctx.stop_requested()) usleep(1000);
  return 7;
}
long wait_for_ever() {
  for (;;) pause();
}
long retry(celeriac::BlockingContext& ctx) {
  celeriac::RetryOptions options;
  options.countdown = std::chrono::seconds(5);
  options.reason = "busy";
  throw ctx.retry(std::move(options));
}
std::string request_id(celeriac::BlockingContext& ctx) {
  return ctx.request().id;
}
std::string report(celeriac::BlockingContext& ctx) {
  ctx.log().info("at work");
  ctx.update_state("PROGRESS", celeriac::Json::object({{"done", 1}}));
  return ctx.send(celeriac::Signature("tasks.next", {1})).id;
}

}  // namespace

void register_prefork_test_tasks(celeriac::Registry& registry) {
  using celeriac::params;
  registry.add("add", add, params("x", "y"));
  registry.add("pid", process_id);
  registry.add("fail", fail, params("text"));
  registry.add("crash", crash);
  registry.add("wait_for_stop", wait_for_stop);
  registry.add("wait_for_ever", wait_for_ever);
  registry.add("retry", retry);
  registry.add("request_id", request_id);
  registry.add("report", report);
}

namespace celeriac::worker::prefork {
namespace {

// A task's context that remembers what it was asked for.
class FakeContext final : public Context, TaskLogger {
 public:
  const Request& request() const override { return request_; }
  TaskLogger& log() override { return *this; }
  HttpClient& http() override { throw Error("not here"); }
  RedisClient& redis(const std::string&) override { throw Error("not here"); }
  Async<void> sleep(std::chrono::duration<double>) override { co_return; }
  Async<void> update_state(std::string state, Json meta) override {
    states.emplace_back(state, meta);
    co_return;
  }
  Async<SentTask> send(Signature signature) override {
    sent.push_back(signature);
    co_return SentTask{"child-id", Json()};
  }
  Async<Json> wait_result(std::string, std::chrono::duration<double>) override { co_return Json(); }
  Async<void> add_to_chord(Signature) override { co_return; }
  std::chrono::system_clock::time_point now() const override { return {}; }
  void count(const std::string&, const Labels&, double) override {}
  void observe(const std::string&, const Labels&, double) override {}

  std::vector<std::pair<std::string, Json>> states;
  std::vector<Signature> sent;
  std::vector<std::string> lines;

 protected:
  Async<void> run_on_pool(std::function<void()>) override { co_return; }

 private:
  void debug(std::string text) override { lines.push_back(std::move(text)); }
  void info(std::string text) override { lines.push_back(std::move(text)); }
  void warning(std::string text) override { lines.push_back(std::move(text)); }
  void error(std::string text) override { lines.push_back(std::move(text)); }
  Request request_ = [] {
    Request request;
    request.id = "an-id";
    return request;
  }();
};

class ProcessPoolTest : public testing::Test {
 protected:
  void SetUp() override { register_prefork_test_tasks(registry_); }

  void start(ProcessPoolSettings settings) {
    pool_ = std::make_unique<ProcessPool>(loop_, settings);
  }

  // Runs until the coroutine has ended; rethrows what it threw.
  template <class T>
  T wait(Async<T> coroutine) {
    std::optional<T> value;
    std::exception_ptr error;
    TaskGroup group(loop_, [](std::exception_ptr) {});
    group.spawn(into(std::move(coroutine), &value, &error, &loop_));
    loop_.run();
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }

  Json call(const std::string& task, Json::Array args = {},
            std::optional<std::chrono::duration<double>> soft = {}) {
    FunctionCall function_call{*registry_.find(task), context_, std::move(args), {}, soft};
    return wait(pool_->run(std::move(function_call)));
  }

  ~ProcessPoolTest() override {
    if (!pool_) return;
    wait(stopped(pool_.get()));
  }

  template <class T>
  static Async<void> into(Async<T> coroutine, std::optional<T>* value, std::exception_ptr* error,
                          Loop* loop) {
    try {
      value->emplace(co_await std::move(coroutine));
    } catch (...) {
      *error = std::current_exception();
    }
    loop->stop();
  }
  static Async<bool> stopped(ProcessPool* pool) {
    co_await pool->stop();
    co_return true;
  }

  Loop loop_;
  Registry registry_;
  FakeContext context_;
  std::unique_ptr<ProcessPool> pool_;
};

TEST_F(ProcessPoolTest, RunsAFunctionInAnotherProcess) {
  start({.processes = 1});
  EXPECT_EQ(call("add", {2, 3}), Json(5));
  const Json pid = call("pid");
  EXPECT_NE(pid, Json(getpid()));
  EXPECT_EQ(pid, Json(pool_->processes().at(0)));
}

TEST_F(ProcessPoolTest, HandsTheRequestOver) {
  start({.processes = 1});
  EXPECT_EQ(call("request_id"), Json("an-id"));
}

TEST_F(ProcessPoolTest, ThrowsWhatTheFunctionThrew) {
  start({.processes = 1});
  try {
    call("fail", {"boom"});
    FAIL() << "nothing was thrown";
  } catch (const TaskError& error) {
    EXPECT_EQ(error.type(), "ValueError");
    EXPECT_EQ(error.args(), (Json::Array{"boom"}));
  }
}

TEST_F(ProcessPoolTest, PassesARetryOn) {
  start({.processes = 1});
  try {
    call("retry");
    FAIL() << "nothing was thrown";
  } catch (const Retry& retry) {
    EXPECT_EQ(retry.options.countdown, std::chrono::duration<double>(5));
    EXPECT_EQ(retry.options.reason, "busy");
  }
}

TEST_F(ProcessPoolTest, LosesOnlyTheRunWhoseProcessCrashed) {
  start({.processes = 1});
  const Json before = call("pid");
  try {
    call("crash");
    FAIL() << "nothing was thrown";
  } catch (const WorkerLost& lost) {
    EXPECT_STREQ(lost.what(), "Worker exited prematurely: signal 6 (SIGABRT) Job: 0.");
  }
  EXPECT_NE(call("pid"), before);
}

TEST_F(ProcessPoolTest, AsksAFunctionToStopAtItsSoftTimeLimit) {
  start({.processes = 1});
  EXPECT_EQ(call("wait_for_stop", {}, std::chrono::milliseconds(20)), Json(7));
}

TEST_F(ProcessPoolTest, KillsTheProcessOfACancelledCall) {
  start({.processes = 1});
  const Json before = call("pid");
  {
    TaskGroup group(loop_, [](std::exception_ptr) {});
    FunctionCall endless{*registry_.find("wait_for_ever"), context_, {}, {}};
    std::optional<Json> value;
    std::exception_ptr error;
    group.spawn(into(pool_->run(std::move(endless)), &value, &error, &loop_));
    Timer cancel(loop_, [&] { group.cancel_all(); });
    cancel.start(std::chrono::milliseconds(50));
    loop_.run();
    EXPECT_TRUE(error);
  }
  EXPECT_NE(call("pid"), before);
}

TEST_F(ProcessPoolTest, ReplacesAChildThatHasRunItsShare) {
  start({.processes = 1, .max_tasks_per_child = 2});
  const Json first = call("pid");
  EXPECT_EQ(call("pid"), first);
  EXPECT_NE(call("pid"), first);
}

TEST_F(ProcessPoolTest, ReplacesAChildThatHasGrownTooLarge) {
  start({.processes = 1, .max_memory_per_child_kib = 1});
  const Json first = call("pid");
  EXPECT_NE(call("pid"), first);
}

TEST_F(ProcessPoolTest, ServesWhatTheFunctionAsksFor) {
  start({.processes = 1});
  EXPECT_EQ(call("report"), Json("child-id"));
  EXPECT_EQ(context_.lines, std::vector<std::string>{"at work"});
  ASSERT_EQ(context_.states.size(), 1u);
  EXPECT_EQ(context_.states[0].first, "PROGRESS");
  ASSERT_EQ(context_.sent.size(), 1u);
  EXPECT_EQ(context_.sent[0].task(), "tasks.next");
}

TEST_F(ProcessPoolTest, GrowsAndShrinks) {
  start({.processes = 1});
  call("pid");
  pool_->resize(3);
  EXPECT_EQ(pool_->processes().size(), 3u);
  pool_->resize(1);
  EXPECT_EQ(call("add", {1, 1}), Json(2));
}

}  // namespace
}  // namespace celeriac::worker::prefork
