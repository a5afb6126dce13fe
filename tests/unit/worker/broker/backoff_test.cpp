#include "worker/broker/backoff.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

std::vector<milliseconds> delays(Backoff& backoff, int count) {
  std::vector<milliseconds> all;
  for (int i = 0; i < count; ++i) all.push_back(backoff.next());
  return all;
}

TEST(Backoff, GrowsByTwoSecondsUpToThirtyTwoAsCelery) {
  Backoff backoff({.lead_in = {}, .jitter = 0}, 1);
  EXPECT_EQ(delays(backoff, 3), (std::vector<milliseconds>{2s, 4s, 6s}));
  delays(backoff, 12);
  EXPECT_EQ(backoff.next(), 32s);
  EXPECT_EQ(backoff.next(), 32s);
  EXPECT_EQ(backoff.attempts(), 17u);
}

TEST(Backoff, TakesTheLeadInFirst) {
  Backoff backoff({.lead_in = {250ms, 500ms}, .jitter = 0}, 1);
  EXPECT_EQ(delays(backoff, 4), (std::vector<milliseconds>{250ms, 500ms, 2s, 4s}));
}

TEST(Backoff, StartsOverAfterASuccess) {
  Backoff backoff({.lead_in = {}, .jitter = 0}, 1);
  delays(backoff, 5);
  backoff.reset();
  EXPECT_EQ(backoff.attempts(), 0u);
  EXPECT_EQ(backoff.next(), 2s);
}

TEST(Backoff, VariesByItsJitterAndNotMore) {
  bool varies = false;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Backoff backoff({.lead_in = {}, .jitter = 0.1}, seed);
    const milliseconds delay = backoff.next();
    EXPECT_GE(delay, 1800ms);
    EXPECT_LE(delay, 2200ms);
    varies |= delay != 2s;
  }
  EXPECT_TRUE(varies);
}

}  // namespace
}  // namespace celeriac::worker
