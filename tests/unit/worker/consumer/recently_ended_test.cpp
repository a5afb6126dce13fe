#include "worker/consumer/recently_ended.h"

#include <gtest/gtest.h>

#include "tests/unit/worker/consumer/requests.h"

namespace celeriac::worker {
namespace {

protocol::TaskMessage message_of(std::string id, std::int64_t retries = 0) {
  protocol::TaskMessage message;
  message.id = std::move(id);
  message.retries = retries;
  return message;
}

TEST(RecentlyEnded, KnowsWhatEndedOnAnEarlierConnection) {
  RecentlyEnded ended(8);
  RequestMaker maker;
  ended.add(*maker.make("a", 1), Verdict::reject);
  EXPECT_EQ(ended.find(message_of("a"), 2), Verdict::reject);
  EXPECT_EQ(ended.find(message_of("a"), 1), std::nullopt);
  EXPECT_EQ(ended.find(message_of("b"), 2), std::nullopt);
}

TEST(RecentlyEnded, TakesARetryForAnotherMessage) {
  RecentlyEnded ended(8);
  RequestMaker maker;
  ended.add(*maker.make("a", 1), Verdict::ack);
  EXPECT_EQ(ended.find(message_of("a", 1), 2), std::nullopt);
}

TEST(RecentlyEnded, ForgetsTheOldest) {
  RecentlyEnded ended(2);
  RequestMaker maker;
  for (const char* id : {"a", "b", "c"}) ended.add(*maker.make(id, 1), Verdict::ack);
  EXPECT_EQ(ended.find(message_of("a"), 2), std::nullopt);
  EXPECT_EQ(ended.find(message_of("c"), 2), Verdict::ack);
}

}  // namespace
}  // namespace celeriac::worker
