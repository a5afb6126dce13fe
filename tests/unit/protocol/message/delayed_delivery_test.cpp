#include "protocol/message/delayed_delivery.h"

#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

using namespace std::chrono_literals;

TEST(DelayedDelivery, SpellsTheSecondsInFrontOfTheKey) {
  EXPECT_EQ(delayed_routing_key(3600s, "celq"),
            "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.1.1.0.0.0.0.1.0.0.0.0.celq");
  EXPECT_EQ(delayed_routing_key(kLongestDelay, "a.b"),
            "1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.a.b");
}

TEST(DelayedDelivery, KnowsWhenAKeyBecomesTooLong) {
  EXPECT_TRUE(delayed_routing_key(1s, std::string(255 - 56, 'k')));
  EXPECT_FALSE(delayed_routing_key(1s, std::string(255 - 55, 'k')));
}

TEST(DelayedDelivery, FindsTheKeyBehindADelay) {
  EXPECT_EQ(key_behind_delay(*delayed_routing_key(5s, "a.b")), "a.b");
  EXPECT_EQ(key_behind_delay("0.1.a.b"), std::nullopt);
  EXPECT_EQ(key_behind_delay("a.b"), std::nullopt);
}

TEST(DelayedDelivery, DeclaresALevelForEachBit) {
  const Declarations declarations = delayed_delivery("quorum");
  ASSERT_EQ(declarations.size(), 29u);
  const Queue& first = std::get<Queue>(declarations.front());
  EXPECT_EQ(first.name, kDelayExchange);
  EXPECT_EQ(first.routing_key, "1.#");
  EXPECT_TRUE(first.exchange.bindings.empty());
  EXPECT_EQ(dump_json(Json(first.arguments)),
            R"({"x-queue-type": "quorum", "x-overflow": "reject-publish", )"
            R"("x-message-ttl": 134217728000, "x-dead-letter-exchange": "celery_delayed_26", )"
            R"("x-dead-letter-strategy": "at-least-once"})");
  const Queue& third = std::get<Queue>(declarations[2]);
  EXPECT_EQ(third.name, "celery_delayed_25");
  EXPECT_EQ(third.routing_key, "*.*.1.#");
  ASSERT_EQ(third.exchange.bindings.size(), 1u);
  EXPECT_EQ(third.exchange.bindings[0].exchange, "celery_delayed_26");
  EXPECT_EQ(third.exchange.bindings[0].routing_key, "*.0.#");
  const Exchange& last = std::get<Exchange>(declarations.back());
  EXPECT_EQ(last.name, "celery_delayed_delivery");
  EXPECT_EQ(last.bindings[0].exchange, "celery_delayed_0");
}

TEST(DelayedDelivery, LeavesTheStrategyOfQuorumQueuesOutOfClassicOnes) {
  const Declarations declarations = delayed_delivery("classic");
  EXPECT_FALSE(std::get<Queue>(declarations[27]).arguments.contains("x-dead-letter-strategy"));
  EXPECT_EQ(*std::get<Queue>(declarations[27]).arguments.find("x-dead-letter-exchange"),
            Json("celery_delayed_delivery"));
}

TEST(DelayedDelivery, BindsAQueueBehindAnyDelay) {
  Queue queue;
  queue.name = queue.routing_key = "q";
  queue.exchange.name = "tasks";
  queue.exchange.type = "topic";
  const Queue bound = with_delayed_delivery(queue);
  EXPECT_EQ(bound.exchange.bindings[0].exchange, "celery_delayed_delivery");
  EXPECT_EQ(bound.exchange.bindings[0].routing_key, "#.q");
  EXPECT_EQ(bound.bindings[0].exchange, "tasks");
  EXPECT_EQ(bound.bindings[0].routing_key, "#.q");
  queue.routing_key = "#.b";
  EXPECT_EQ(with_delayed_delivery(queue).bindings[0].routing_key, "#.b");
}

}  // namespace
}  // namespace celeriac::protocol
