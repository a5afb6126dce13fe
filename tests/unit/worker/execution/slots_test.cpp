#include "worker/execution/slots.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

TEST(Slots, AreGivenBackOnce) {
  int freed = 0;
  Slots slots(1, [&freed] { ++freed; });
  {
    Slots::Lease lease = slots.take();
    EXPECT_FALSE(slots.free());
    Slots::Lease moved = std::move(lease);
    moved.give_back();
    EXPECT_TRUE(slots.free());
  }
  EXPECT_EQ(freed, 1);
  EXPECT_EQ(slots.used(), 0u);
}

TEST(Slots, StayTakenWhenTheirNumberShrinks) {
  Slots slots(2, [] {});
  const Slots::Lease a = slots.take(), b = slots.take();
  slots.resize(1);
  EXPECT_FALSE(slots.free());
  EXPECT_EQ(slots.used(), 2u);
}

}  // namespace
}  // namespace celeriac::worker
