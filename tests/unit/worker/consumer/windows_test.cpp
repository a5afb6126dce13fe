#include "worker/consumer/windows.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

TEST(Windows, IsRenewedWhenMoreThanHalfOfItIsHeld) {
  Windows windows(4);
  EXPECT_EQ(windows.held("q"), Windows::Room::enough);
  EXPECT_EQ(windows.held("q"), Windows::Room::enough);
  EXPECT_EQ(windows.generation("q"), 0u);
  EXPECT_EQ(windows.held("q"), Windows::Room::renew);
  EXPECT_EQ(windows.generation("q"), 1u);
  EXPECT_EQ(windows.held("q"), Windows::Room::enough);
}

TEST(Windows, CountsEachQueueByItself) {
  Windows windows(2);
  EXPECT_EQ(windows.held("a"), Windows::Room::enough);
  EXPECT_EQ(windows.held("b"), Windows::Room::enough);
}

TEST(Windows, DoesNotCountTheReleaseOfWhatAnOlderWindowHeld) {
  Windows windows(2);
  windows.held("q");
  EXPECT_EQ(windows.held("q"), Windows::Room::renew);
  windows.held("q");
  windows.released("q", 0);
  EXPECT_EQ(windows.held("q"), Windows::Room::renew);
}

TEST(Windows, HasRoomAgainAfterARelease) {
  Windows windows(2);
  windows.held("q");
  windows.released("q", 0);
  EXPECT_EQ(windows.held("q"), Windows::Room::enough);
}

TEST(Windows, NeverStarvesWithoutABound) {
  Windows windows(0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(windows.held("q"), Windows::Room::enough);
}

}  // namespace
}  // namespace celeriac::worker
