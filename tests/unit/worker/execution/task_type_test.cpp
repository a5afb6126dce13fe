#include "worker/execution/task_type.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

TEST(RateLimitText, IsANumberOfTasksASecond) {
  EXPECT_EQ(parse_rate_limit("10/s"), 10);
  EXPECT_EQ(parse_rate_limit("90/m"), 1.5);
  EXPECT_EQ(parse_rate_limit("0.5"), 0.5);
  EXPECT_EQ(parse_rate_limit("7200/h"), 2);
  EXPECT_EQ(parse_rate_limit(""), std::nullopt);
  EXPECT_EQ(parse_rate_limit("0"), std::nullopt);
  for (const char* bad : {"10/d", "x", "-1", "1/", "/m", "1 /m"}) {
    EXPECT_THROW(parse_rate_limit(bad), ConfigError) << bad;
  }
}

TEST(TaskType, TakesFromTheSettingsWhatTheTaskLeavesOpen) {
  TaskDefinition definition;
  TaskSettings settings;
  settings.acks_late = true;
  settings.acks_on_failure_or_timeout = false;
  settings.acks_on_timeout = true;
  settings.time_limit = 30s;
  settings.default_rate_limit = "5/s";
  const TaskType type = make_task_type(definition, settings);
  EXPECT_TRUE(type.acks_late);
  EXPECT_FALSE(type.acks_on_failure);
  EXPECT_TRUE(type.acks_on_timeout);
  EXPECT_EQ(type.time_limit, 30);
  EXPECT_EQ(type.rate_limit, 5);
}

TEST(TaskType, PrefersTheTasksOwnOptions) {
  TaskDefinition definition;
  definition.options.acks_late = false;
  definition.options.rate_limit = "1/m";
  definition.options.soft_time_limit = 2s;
  TaskSettings settings;
  settings.acks_late = true;
  settings.default_rate_limit = "5/s";
  settings.soft_time_limit = 9s;
  const TaskType type = make_task_type(definition, settings);
  EXPECT_FALSE(type.acks_late);
  EXPECT_EQ(type.rate_limit_text, "1/m");
  EXPECT_EQ(type.soft_time_limit, 2);
}

TEST(TaskType, LetsAnnotationsHaveTheLastWord) {
  TaskDefinition definition;
  definition.name = "add";
  definition.options.max_retries = 1;
  TaskSettings settings;
  settings.annotations = {{"*", {{"rate_limit", "10/s"}, {"acks_late", true}}},
                          {"other", {{"max_retries", 7}}},
                          {"add", {{"max_retries", Json()}, {"time_limit", 2.5}}}};
  const TaskType type = make_task_type(definition, settings);
  EXPECT_EQ(type.rate_limit, 10);
  EXPECT_TRUE(type.acks_late);
  EXPECT_EQ(type.max_retries, std::nullopt);
  EXPECT_EQ(type.time_limit, 2.5);
}

TEST(TaskType, RefusesAnAnnotationThatNamesNoAttribute) {
  TaskDefinition definition;
  definition.name = "add";
  TaskSettings settings;
  settings.annotations = {{"add", {{"rate", "10/s"}}}};
  EXPECT_THROW(make_task_type(definition, settings), ConfigError);
  settings.annotations = {{"add", {{"acks_late", "yes"}}}};
  EXPECT_THROW(make_task_type(definition, settings), ConfigError);
}

}  // namespace
}  // namespace celeriac::worker
