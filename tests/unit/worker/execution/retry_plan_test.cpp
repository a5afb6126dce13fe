#include "worker/execution/retry_plan.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

struct Task {
  Task() { type.definition = &definition; }
  TaskDefinition definition;
  TaskType type;
  protocol::TaskMessage message;
};

std::exception_ptr busy() {
  return std::make_exception_ptr(TaskError("ValueError", "busy"));
}

TEST(RetryPlan, WaitsAsLongAsItIsAskedTo) {
  const Task task;
  const Retry asked{{.countdown = 3s}, busy()};
  const auto plan = plan_retry(task.message, task.type, asked);
  const auto& next = std::get<AnotherTry>(plan);
  EXPECT_EQ(next.overrides.options, (JsonObject{{"countdown", 3.0}, {"ignore_result", false}}));
  EXPECT_EQ(next.text(), "Retry in 3s: ValueError('busy')");
}

TEST(RetryPlan, WaitsTheDefaultDelayOtherwise) {
  const Task task;
  const auto plan = plan_retry(task.message, task.type, Retry{});
  EXPECT_EQ(std::get<AnotherTry>(plan).text(), "Retry in 180s");
}

TEST(RetryPlan, WaitsUntilTheEta) {
  const Task task;
  const std::chrono::sys_days new_year = std::chrono::January / 1 / 2027;
  const Retry asked{{.eta = new_year}, nullptr};
  const auto plan = plan_retry(task.message, task.type, asked);
  const auto& next = std::get<AnotherTry>(plan);
  EXPECT_EQ(next.text(), "Retry at 2027-01-01 00:00:00+00:00");
  EXPECT_EQ(*next.overrides.options.find("eta"), Json("2027-01-01T00:00:00+00:00"));
  EXPECT_FALSE(next.overrides.options.contains("countdown"));
}

TEST(RetryPlan, SaysTheReason) {
  const Task task;
  const Retry asked{{.countdown = 500ms, .reason = "busy"}, nullptr};
  const auto plan = plan_retry(task.message, task.type, asked);
  const auto& next = std::get<AnotherTry>(plan);
  EXPECT_EQ(next.text(), "Retry in 0.5s: busy");
  EXPECT_EQ(next.result()["exc_type"], Json("Retry"));
}

TEST(RetryPlan, FailsWithTheCauseAfterTheLastTry) {
  Task task;
  task.type.max_retries = 3;
  task.message.retries = 3;
  const auto plan = plan_retry(task.message, task.type, Retry{{}, busy()});
  EXPECT_EQ(std::get<RetriesExceeded>(plan).exception.repr(), "ValueError('busy')");
}

TEST(RetryPlan, FailsWithMaxRetriesExceededWithoutACause) {
  Task task;
  task.message.task = "add";
  task.message.id = "T";
  task.message.args = {1};
  task.message.retries = 5;
  const Retry asked{{.max_retries = 5}, nullptr};
  const auto plan = plan_retry(task.message, task.type, asked);
  EXPECT_EQ(std::get<RetriesExceeded>(plan).exception.repr(),
            "MaxRetriesExceededError(\"Can't retry add[T] args:(1,) kwargs:{}\")");
}

TEST(RetryPlan, TriesForEverIfItIsAskedTo) {
  Task task;
  task.message.retries = 1000;
  const Retry asked{{.max_retries = -1}, nullptr};
  EXPECT_TRUE(std::holds_alternative<AnotherTry>(plan_retry(task.message, task.type, asked)));
  task.type.max_retries.reset();
  EXPECT_TRUE(std::holds_alternative<AnotherTry>(plan_retry(task.message, task.type, Retry{})));
}

class Autoretry : public testing::Test {
 protected:
  std::optional<Retry> decide() {
    return autoretry(task_.message, task_.type, {"ConnectionError", {}, "builtins", {}}, nullptr,
                     [this](std::int64_t most) {
                       asked_for_ = most;
                       return most / 2;
                     });
  }
  double countdown() { return decide()->options.countdown->count(); }

  Task task_;
  TaskOptions& options_ = task_.definition.options;
  std::optional<std::int64_t> asked_for_;
};

TEST_F(Autoretry, RetriesOnlyWhatItNames) {
  EXPECT_FALSE(decide());
  options_.autoretry_for = {"OSError"};
  EXPECT_TRUE(decide());
  EXPECT_FALSE(decide()->options.countdown);
  options_.dont_autoretry_for = {"ConnectionError"};
  EXPECT_FALSE(decide());
}

TEST_F(Autoretry, BacksOffExponentiallyUpToTheMost) {
  options_.autoretry_for = {"Exception"};
  options_.retry_backoff = 2;
  options_.retry_jitter = false;
  options_.retry_backoff_max = 10s;
  EXPECT_EQ(countdown(), 2);
  task_.message.retries = 2;
  EXPECT_EQ(countdown(), 8);
  task_.message.retries = 3;
  EXPECT_EQ(countdown(), 10);
  task_.message.retries = 100000;
  EXPECT_EQ(countdown(), 10);
}

TEST_F(Autoretry, JittersBetweenNothingAndTheBackoff) {
  options_.autoretry_for = {"Exception"};
  options_.retry_backoff = 8;
  EXPECT_EQ(countdown(), 4);
  EXPECT_EQ(asked_for_, 8);
}

}  // namespace
}  // namespace celeriac::worker
