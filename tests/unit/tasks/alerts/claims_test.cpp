#include "tasks/alerts/claims.h"

#include <gtest/gtest.h>

#include "tests/unit/tasks/alerts/run_now.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;
using Kind = Taken::Kind;

class LocalClaimsTest : public testing::Test {
 protected:
  bool reserve(const std::string& token) { return run(claims.reserve({"k"}, token, 60s)).front(); }
  Taken take(const Attempt& attempt) { return run(claims.take({"k"}, attempt, 20s)).front(); }
  void confirm(const std::string& token) { run(claims.confirm({"k"}, token, {30min})); }

  Time now{};
  ClaimMemory memory;
  LocalClaims claims{memory, [this] { return now; }};
  const Attempt first{"run", "1"}, second{"run", "2"}, other{"another", "3"};
};

TEST_F(LocalClaimsTest, OnlyOneRunClaimsAnAlarm) {
  EXPECT_TRUE(reserve("run"));
  EXPECT_FALSE(reserve("another"));
}

TEST_F(LocalClaimsTest, ARedeliveredRunRecognisesItsClaim) {
  EXPECT_TRUE(reserve("run"));
  EXPECT_TRUE(reserve("run"));
}

TEST_F(LocalClaimsTest, AClaimEndsByItself) {
  EXPECT_TRUE(reserve("run"));
  now += 60s;
  EXPECT_TRUE(reserve("another"));
}

TEST_F(LocalClaimsTest, OnlyOneAttemptSends) {
  reserve("run");
  EXPECT_EQ(take(first).kind, Kind::mine);
  EXPECT_EQ(take(first).kind, Kind::mine);
  now += 5s;
  const auto busy = take(second);
  EXPECT_EQ(busy.kind, Kind::busy);
  EXPECT_EQ(busy.wait, 15s);
  EXPECT_FALSE(reserve("run")) << "a redelivered cache need not send what is being sent";
}

TEST_F(LocalClaimsTest, TheLeaseOfAKilledAttemptEnds) {
  take(first);
  now += 20s;
  EXPECT_EQ(take(second).kind, Kind::mine);
}

// Were it otherwise, runs that wait long enough would each lose their claim to the next.
TEST_F(LocalClaimsTest, WhoeverSendsTakesAClaimOver) {
  reserve("another");
  EXPECT_EQ(take(first).kind, Kind::mine);
  EXPECT_EQ(take(other).kind, Kind::busy);
}

TEST_F(LocalClaimsTest, WhatWasToldIsNotToldAgainForItsTime) {
  take(first);
  confirm("run");
  EXPECT_EQ(take(second).kind, Kind::told);
  EXPECT_FALSE(reserve("another"));
  now += 30min;
  EXPECT_TRUE(reserve("another"));
}

TEST_F(LocalClaimsTest, AToldAlarmIsToldWhoeverHoldsItNow) {
  take(other);
  confirm("run");
  EXPECT_EQ(take(other).kind, Kind::told);
}

TEST_F(LocalClaimsTest, ARetryKeepsItsClaimUntilItIsDue) {
  take(first);
  run(claims.keep({"k"}, first, 10min));
  now += 9min;
  EXPECT_FALSE(reserve("another"));
  EXPECT_EQ(take(second).kind, Kind::mine);
}

TEST_F(LocalClaimsTest, KeepAndReleaseLeaveOthersAlone) {
  take(other);
  run(claims.keep({"k"}, first, 10min));
  run(claims.release({"k"}, first));
  EXPECT_EQ(take(first).kind, Kind::busy);
  confirm("another");
  run(claims.release({"k"}, first));
  EXPECT_EQ(take(first).kind, Kind::told);
}

TEST_F(LocalClaimsTest, AReleasedAlarmIsFree) {
  take(first);
  run(claims.release({"k"}, first));
  EXPECT_TRUE(reserve("another"));
}

TEST_F(LocalClaimsTest, AnAlarmHoldsUntilItHasRecovered) {
  const auto observe = [this](Level level) { return bool(run(claims.observe({"f"}, {level}))[0]); };
  EXPECT_FALSE(observe(Level::holding)) << "it never fired";
  EXPECT_TRUE(observe(Level::broken));
  EXPECT_TRUE(observe(Level::holding));
  EXPECT_FALSE(observe(Level::normal));
  EXPECT_FALSE(observe(Level::holding));
}

TEST_F(LocalClaimsTest, TheMemoryDropsWhatHasEnded) {
  for (int i = 0; i < 5000; ++i) {
    run(claims.reserve({std::to_string(i)}, "run", 60s));
    now += 1s;
  }
  EXPECT_LT(memory.size(), 2100u);
}

}  // namespace
}  // namespace celeriac::alerts
