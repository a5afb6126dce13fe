#include "worker/broker/confirm_window.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

OutboxItem item(std::uint64_t id, std::string routing_key = "q", Routed routed = Routed::must) {
  OutboxItem result;
  result.id = id;
  result.publication.routing_key = std::move(routing_key);
  result.publication.routed = routed;
  return result;
}

std::vector<std::uint64_t> ids(const std::vector<ConfirmWindow::Sent>& all) {
  std::vector<std::uint64_t> result;
  for (const auto& sent : all) result.push_back(sent.item.id);
  return result;
}

using Ids = std::vector<std::uint64_t>;

ConfirmWindow window_of(std::uint64_t count) {
  ConfirmWindow window;
  for (std::uint64_t id = 101; id <= 100 + count; ++id) window.sent(item(id));
  return window;
}

TEST(ConfirmWindow, SettlesOneTag) {
  ConfirmWindow window = window_of(3);
  EXPECT_EQ(ids(window.settled(2, false)), Ids{102});
  EXPECT_EQ(ids(window.settled(2, false)), Ids{});
  EXPECT_EQ(window.size(), 2u);
}

TEST(ConfirmWindow, SettlesUpToATag) {
  ConfirmWindow window = window_of(4);
  window.settled(2, false);
  EXPECT_EQ(ids(window.settled(3, true)), (Ids{101, 103}));
  EXPECT_EQ(ids(window.settled(0, true)), Ids{104});
  EXPECT_TRUE(window.empty());
}

TEST(ConfirmWindow, IgnoresTagsThatWereNeverSent) {
  ConfirmWindow window = window_of(2);
  EXPECT_EQ(ids(window.settled(7, false)), Ids{});
  EXPECT_EQ(ids(window.settled(7, true)), (Ids{101, 102}));
}

TEST(ConfirmWindow, CountsFromOneAgainAfterTakingAll) {
  ConfirmWindow window = window_of(3);
  EXPECT_EQ(window.take_all().size(), 3u);
  window.sent(item(200));
  EXPECT_EQ(ids(window.settled(1, false)), Ids{200});
}

TEST(ConfirmWindow, MatchesAReturnToTheOldestMessageThatLooksLikeIt) {
  ConfirmWindow window;
  window.sent(item(1, "here"));
  window.sent(item(2, "nowhere", Routed::may));
  window.sent(item(3, "nowhere"));
  window.sent(item(4, "nowhere"));
  EXPECT_TRUE(window.returned("", "nowhere", "", "NO_ROUTE"));
  EXPECT_FALSE(window.returned("", "elsewhere", "", "NO_ROUTE"));
  EXPECT_FALSE(window.returned("", "nowhere", "other id", "NO_ROUTE"));
  const auto all = window.settled(4, true);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].returned, "");
  EXPECT_EQ(all[2].returned, "NO_ROUTE");
  EXPECT_EQ(all[3].returned, "");
}

}  // namespace
}  // namespace celeriac::worker
