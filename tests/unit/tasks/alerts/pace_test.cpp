#include "tasks/alerts/pace.h"

#include <gtest/gtest.h>

#include "tests/unit/tasks/alerts/run_now.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

TEST(Pace, NoSecondAndNoMinuteSeesTooMany) {
  const Rate rate{4, 90};
  Line line;
  std::vector<Time> turns;
  Time now{};
  while (turns.size() < 400) {
    const auto turn = line.next(rate, 5s, now);
    if (turn.kind == Turn::Kind::full) {
      now += turn.wait;
      continue;
    }
    turns.push_back(now + turn.wait);
    now += 10ms;
  }
  for (std::size_t i = 4; i < turns.size(); ++i) EXPECT_GE(turns[i] - turns[i - 4], 1s) << i;
  for (std::size_t i = 90; i < turns.size(); ++i) EXPECT_GE(turns[i] - turns[i - 90], 1min) << i;
}

TEST(Pace, FirstComeFirstServed) {
  Line line;
  const Rate rate{1, 0};
  EXPECT_EQ(line.next(rate, 5s, Time{}).wait, 0s);
  EXPECT_EQ(line.next(rate, 5s, Time{}).wait, 1s);
  EXPECT_EQ(line.next(rate, 5s, Time{}).wait, 2s);
}

TEST(Pace, NobodyWaitsLongerThanTheyWant) {
  Line line;
  const Rate rate{1, 0};
  for (int i = 0; i < 6; ++i) line.next(rate, 5s, Time{});
  const auto turn = line.next(rate, 5s, Time{});
  EXPECT_EQ(turn.kind, Turn::Kind::full);
  EXPECT_EQ(turn.wait, 6s);
  EXPECT_EQ(line.next(rate, 6s, Time{}).kind, Turn::Kind::taken) << "asking took no place";
}

TEST(Pace, APauseHoldsEverybody) {
  LocalPace::Lines lines;
  Time now{};
  LocalPace pace(lines, [&now] { return now; });
  run(pace.pause("ops", 2s));
  EXPECT_EQ(run(pace.next("ops", {5, 0}, 5s)).wait, 2s);
  EXPECT_EQ(run(pace.next("chat", {5, 0}, 5s)).wait, 0s);
}

}  // namespace
}  // namespace celeriac::alerts
