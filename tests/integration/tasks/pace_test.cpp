// The script of RedisPace against a real Redis and its clock.
#include "tasks/alerts/pace.h"

#include <gtest/gtest.h>

#include "tests/integration/tasks/real_redis.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

const std::string kChannel = "celeriac-test";

class RealPace : public testing::Test {
 protected:
  RealPace() {
    redis.run(
        redis.client.command("DEL", "celeriac:pace:" + kChannel, "celeriac:pause:" + kChannel));
  }
  Turn next(Rate rate, Milliseconds patience = 1h) {
    return redis.run(pace.next(kChannel, rate, patience));
  }

  RealRedis redis;
  RedisPace pace{redis.client};
};

TEST_F(RealPace, TurnsAreSpacedEvenly) {
  // The clock goes on between the calls, so a wait may be shorter than the plan, never longer.
  EXPECT_EQ(next({1, 0}).wait, 0s);
  for (int i = 1; i < 600; ++i) {
    const auto turn = next({1, 0});
    ASSERT_EQ(turn.kind, Turn::Kind::taken);
    ASSERT_LE(turn.wait, i * 1s);
  }
  EXPECT_GT(next({1, 0}).wait, 0s);
}

TEST_F(RealPace, AMinuteSeesNoMoreThanItMay) {
  for (int i = 0; i < 5; ++i) EXPECT_LE(next({0, 5}).wait, 1s);
  EXPECT_GT(next({0, 5}).wait, 1s);
  EXPECT_LE(next({0, 5}).wait, 1min);
}

TEST_F(RealPace, WhoWouldWaitTooLongTakesNoTurn) {
  for (int i = 0; i < 3; ++i) next({0, 3});
  const auto full = next({0, 3}, 5s);
  EXPECT_EQ(full.kind, Turn::Kind::full);
  EXPECT_GT(full.wait, 5s);
  EXPECT_EQ(redis.run(redis.client.command("LLEN", "celeriac:pace:" + kChannel)).integer(), 3);
}

TEST_F(RealPace, APauseHoldsEverybodyAndEnds) {
  redis.run(pace.pause(kChannel, 1h));
  EXPECT_EQ(next({4, 90}, 5s).kind, Turn::Kind::full);
  EXPECT_GT(redis.run(redis.client.command("PTTL", "celeriac:pause:" + kChannel)).integer(), 0);
}

TEST_F(RealPace, LeavesNothingBehind) {
  next({4, 90});
  const auto ttl = redis.run(redis.client.command("PTTL", "celeriac:pace:" + kChannel)).integer();
  EXPECT_GT(ttl, 0);
  EXPECT_LE(ttl, 61'000);
}

}  // namespace
}  // namespace celeriac::alerts
