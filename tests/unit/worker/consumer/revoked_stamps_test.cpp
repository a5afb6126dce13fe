#include "worker/consumer/revoked_stamps.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

protocol::TaskMessage stamped(Json value) {
  protocol::TaskMessage message;
  message.stamped_headers = {"team", "absent"};
  message.stamps.set("team", std::move(value));
  return message;
}

TEST(RevokedStamps, MatchesOneValueOfAStamp) {
  RevokedStamps revoked;
  revoked.add("team", {"red", "blue"});
  EXPECT_TRUE(revoked.matches(stamped("red")));
  EXPECT_FALSE(revoked.matches(stamped("green")));
}

TEST(RevokedStamps, MatchesAnElementOfAListStamp) {
  RevokedStamps revoked;
  revoked.add("team", {"red"});
  EXPECT_TRUE(revoked.matches(stamped(Json::array({"green", "red"}))));
}

TEST(RevokedStamps, TakesAMessageWithoutTheStampThatItNames) {
  RevokedStamps revoked;
  revoked.add("absent", {"red"});
  EXPECT_FALSE(revoked.matches(stamped("red")));
}

}  // namespace
}  // namespace celeriac::worker
