#include "worker/execution/request.h"

#include <gtest/gtest.h>

#include "tests/unit/worker/consumer/requests.h"

namespace celeriac::worker {
namespace {

// Remembers what was settled.
class SettlingBroker final : public Broker {
 public:
  using Settled = std::pair<std::uint64_t, Verdict>;
  std::vector<Settled> settled;

  void settle(const DeliveryRef& delivery, Verdict verdict) override {
    settled.emplace_back(delivery.connection, verdict);
  }
  void start(BrokerListener&, std::vector<ConsumerSpec>) override {}
  void declare_delayed_delivery(protocol::Declarations) override {}
  Async<void> pause_consuming() override { co_return; }
  void resume_consuming(std::uint16_t, const std::string&) override {}
  Async<void> add_consumer(ConsumerSpec) override { co_return; }
  Async<void> cancel_consumer(std::string) override { co_return; }
  void renew_consumer(const std::string&, std::uint16_t) override {}
  Async<void> publish(Publication) override { co_return; }
  void count_queues() override {}
  Async<std::uint64_t> purge(protocol::Queue) override { co_return 0; }
  void delete_queue(const std::string&) override {}
  Async<void> stop_consuming() override { co_return; }
  Async<void> stop(std::chrono::milliseconds) override { co_return; }
  BrokerStatus status() const override { return {}; }
};

using Settled = std::vector<SettlingBroker::Settled>;

TEST(TaskRequest, IsSettledOnce) {
  SettlingBroker broker;
  RequestMaker maker;
  const TaskRequestPtr request = maker.make("a");
  request->settle(broker, Verdict::ack);
  request->settle(broker, Verdict::reject);
  EXPECT_EQ(broker.settled, (Settled{{1, Verdict::ack}}));
}

TEST(TaskRequest, SettlesARedeliveryAsItself) {
  SettlingBroker broker;
  RequestMaker maker;
  const TaskRequestPtr request = maker.make("a");
  request->adopt({2, 1, 7});
  request->settle(broker, Verdict::reject);
  request->settle_adopted(broker);
  EXPECT_EQ(broker.settled, (Settled{{1, Verdict::reject}, {2, Verdict::reject}}));
}

TEST(TaskRequest, SettlesARedeliveryOfAnEarlyAckWhenTheRunHasEnded) {
  SettlingBroker broker;
  RequestMaker maker;
  const TaskRequestPtr request = maker.make("a");
  request->settle(broker, Verdict::ack);
  request->adopt({2, 1, 7});
  EXPECT_EQ(broker.settled.size(), 1u);
  request->settle_adopted(broker);
  EXPECT_EQ(broker.settled, (Settled{{1, Verdict::ack}, {2, Verdict::ack}}));
}

TEST(TaskRequest, TakesItsLimitsFromTheMessageThenFromTheTask) {
  RequestMaker maker;
  maker.type.time_limit = 9;
  protocol::TaskMessage message;
  message.timelimit = {0, 3};
  const TaskRequestPtr request = maker.make(message);
  EXPECT_EQ(request->time_limit(), 9);
  EXPECT_EQ(request->soft_time_limit(), 3);
}

TEST(TaskRequest, IgnoresItsResultAsTheMessageSays) {
  RequestMaker maker;
  maker.type.ignore_result = true;
  EXPECT_TRUE(maker.make("a")->ignores_result());
  protocol::TaskMessage message;
  message.ignore_result = false;
  EXPECT_FALSE(maker.make(message)->ignores_result());
}

}  // namespace
}  // namespace celeriac::worker
