#include "worker/execution/autoscaler.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
const Clock::time_point kStart{};

TEST(Autoscaler, BeginsWithTheLeastAndGrowsAtOnce) {
  Autoscaler autoscaler({10, 3}, 30s);
  EXPECT_EQ(autoscaler.slots(), 3u);
  EXPECT_EQ(autoscaler.scale(7, kStart), 7u);
  EXPECT_EQ(autoscaler.scale(50, kStart), 10u);
}

TEST(Autoscaler, ShrinksOnlyAfterTheKeepalive) {
  Autoscaler autoscaler({10, 1}, 30s);
  autoscaler.scale(8, kStart);
  EXPECT_EQ(autoscaler.scale(0, kStart + 29s), 8u);
  EXPECT_EQ(autoscaler.scale(0, kStart + 30s), 1u);
}

TEST(Autoscaler, NeverGoesToNoSlotAtAll) {
  Autoscaler autoscaler({4, 0}, 30s);
  EXPECT_EQ(autoscaler.slots(), 1u);
}

TEST(Autoscaler, KeepsToNewLimits) {
  Autoscaler autoscaler({10, 1}, 30s);
  autoscaler.scale(10, kStart);
  autoscaler.update(4, 2);
  EXPECT_EQ(autoscaler.slots(), 4u);
  EXPECT_EQ(autoscaler.limits().min, 2u);
}

}  // namespace
}  // namespace celeriac::worker
