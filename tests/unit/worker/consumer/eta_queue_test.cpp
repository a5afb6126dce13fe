#include "worker/consumer/eta_queue.h"

#include <gtest/gtest.h>

#include "tests/unit/worker/consumer/requests.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

const protocol::Timestamp kNow{1'700'000'000s};

TaskRequestPtr at(RequestMaker& maker, std::string id, protocol::Timestamp eta) {
  protocol::TaskMessage message;
  message.id = std::move(id);
  message.eta = eta;
  return maker.make(std::move(message));
}

TEST(EtaQueue, ReleasesTheEarliestFirstAndEqualOnesInOrder) {
  EtaQueue queue;
  RequestMaker maker;
  queue.hold(at(maker, "late", kNow + 2s));
  queue.hold(at(maker, "a", kNow + 1s));
  queue.hold(at(maker, "b", kNow + 1s));
  EXPECT_EQ(queue.next(), kNow + 1s);
  EXPECT_TRUE(queue.due(kNow).empty());
  const auto due = queue.due(kNow + 1s);
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0]->id(), "a");
  EXPECT_EQ(due[1]->id(), "b");
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.next(), kNow + 2s);
}

TEST(EtaQueue, GivesOutOneByItsId) {
  EtaQueue queue;
  RequestMaker maker;
  queue.hold(at(maker, "a", kNow));
  EXPECT_EQ(queue.take("b"), nullptr);
  EXPECT_EQ(queue.take("a")->id(), "a");
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.next(), std::nullopt);
}

}  // namespace
}  // namespace celeriac::worker
