#include "worker/consumer/revoked.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

const Clock::time_point kStart = Clock::time_point(1000s);

TEST(Revoked, ForgetsTheOldestBeyondItsBound) {
  Revoked revoked({.max_ids = 2});
  revoked.add("a", kStart);
  revoked.add("b", kStart);
  revoked.add("a", kStart + 1s);  // the youngest now
  revoked.add("c", kStart + 2s);
  EXPECT_FALSE(revoked.contains("b", kStart + 2s));
  EXPECT_EQ(revoked.ids(kStart + 2s), (std::vector<std::string>{"a", "c"}));
}

TEST(Revoked, ForgetsAnIdAfterItsTime) {
  Revoked revoked({.expires = 10s});
  revoked.add("a", kStart);
  EXPECT_TRUE(revoked.contains("a", kStart + 10s));
  EXPECT_FALSE(revoked.contains("a", kStart + 11s));
  EXPECT_TRUE(revoked.ids(kStart + 11s).empty());
  revoked.add("b", kStart + 11s);
  EXPECT_EQ(revoked.size(), 1u);
}

}  // namespace
}  // namespace celeriac::worker
