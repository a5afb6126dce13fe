// The scripts of RedisClaims against a real Redis: they must say what LocalClaims says, whose rules
// the unit tests spell out.
#include "tasks/alerts/claims.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/integration/tasks/real_redis.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

const std::string kPrefix = "celeriac-test:claims:";

class RealClaims : public testing::Test {
 protected:
  RealClaims() {
    for (const auto& key : kKeys) redis.run(redis.client.command("DEL", key));
  }

  std::int64_t ttl_of(const std::string& key) {
    return redis.run(redis.client.command("PTTL", key)).integer();
  }

  const Keys kKeys{kPrefix + "a", kPrefix + "b", kPrefix + "c", kPrefix + "d"};
  RealRedis redis;
  RedisClaims claims{redis.client};
};

std::vector<Taken::Kind> kinds(const std::vector<Taken>& taken) {
  std::vector<Taken::Kind> result;
  for (const auto& each : taken) result.push_back(each.kind);
  return result;
}

// A random walk through all states; no time passes that matters.
TEST_F(RealClaims, SayWhatTheLocalOnesSay) {
  ClaimMemory memory;
  LocalClaims local(memory, [] { return Time{}; });
  std::mt19937 random(20260102);
  const auto pick = [&random](std::size_t count) { return random() % count; };
  const std::vector<std::string> tokens{"one", "two", "three"};
  for (int step = 0; step < 3000; ++step) {
    Keys some;
    for (const auto& key : kKeys) {
      if (pick(2) == 0) some.push_back(key);
    }
    const auto& token = tokens[pick(3)];
    const Attempt attempt(token, std::to_string(pick(2)));
    switch (pick(6)) {
      case 0:
        ASSERT_EQ(redis.run(claims.reserve(some, token, 1h)),
                  redis.run(local.reserve(some, token, 1h)))
            << step;
        break;
      case 1:
        ASSERT_EQ(kinds(redis.run(claims.take(some, attempt, 1h))),
                  kinds(redis.run(local.take(some, attempt, 1h))))
            << step;
        break;
      case 2: {
        if (pick(4) > 0) break;  // told is the end of a key: seldom
        const std::vector<Milliseconds> times(some.size(), 1h);
        redis.run(claims.confirm(some, token, times));
        redis.run(local.confirm(some, token, times));
        break;
      }
      case 3:
        redis.run(claims.keep(some, attempt, 1h));
        redis.run(local.keep(some, attempt, 1h));
        break;
      case 4:
        redis.run(claims.release(some, attempt));
        redis.run(local.release(some, attempt));
        break;
      default:
        if (pick(10) > 0) break;
        for (const auto& key : kKeys) {  // a new life for keys that were told
          redis.run(redis.client.command("DEL", key));
          memory.erase(key);
        }
    }
  }
}

TEST_F(RealClaims, HysteresisSaysWhatTheLocalOneSays) {
  ClaimMemory memory;
  LocalClaims local(memory, [] { return Time{}; });
  std::mt19937 random(20260102);
  for (int step = 0; step < 500; ++step) {
    std::vector<Level> levels;
    for (std::size_t i = 0; i < kKeys.size(); ++i)
      levels.push_back(static_cast<Level>(random() % 3));
    ASSERT_EQ(redis.run(claims.observe(kKeys, levels)), redis.run(local.observe(kKeys, levels)))
        << step;
  }
}

TEST_F(RealClaims, EveryStateEndsByItself) {
  const Keys one{kKeys[0]};
  const Attempt attempt("run", "1");
  redis.run(claims.reserve(one, "run", 60s));
  EXPECT_LE(ttl_of(one[0]), 60'000);
  EXPECT_GT(ttl_of(one[0]), 0);
  const auto taken = redis.run(claims.take(one, attempt, 20s));
  EXPECT_EQ(taken[0].kind, Taken::Kind::mine);
  EXPECT_LE(ttl_of(one[0]), 20'000);
  const auto busy = redis.run(claims.take(one, Attempt("run", "2"), 20s));
  EXPECT_EQ(busy[0].kind, Taken::Kind::busy);
  EXPECT_GT(busy[0].wait, 0s);
  EXPECT_LE(busy[0].wait, 20s);
  redis.run(claims.confirm(one, "run", {30min}));
  EXPECT_GT(ttl_of(one[0]), 20'000);
  EXPECT_LE(ttl_of(one[0]), 1'800'000);
}

TEST_F(RealClaims, ThousandsOfAlarmsAreOneCommand) {
  Keys many;
  for (int i = 0; i < 10'000; ++i) many.push_back(kPrefix + std::to_string(i));
  const auto reserved = redis.run(claims.reserve(many, "run", 5s));
  EXPECT_EQ(std::count(reserved.begin(), reserved.end(), true), 10'000);
  redis.run(claims.release(many, Attempt("run", "1")));
}

}  // namespace
}  // namespace celeriac::alerts
