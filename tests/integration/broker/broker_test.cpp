#include "tests/integration/broker/broker_fixture.h"

namespace celeriac::test {
namespace {

using worker::ConsumerSpec;
using worker::Delivery;
using worker::DeliveryRef;
using worker::Publication;
using worker::Verdict;

class Broker : public BrokerTest {
 protected:
  Async<void> consumes_and_acknowledges(std::string queue, std::size_t count) {
    broker->start(*this, {consumer_of(queue, 500)});
    co_await until([&] { return deliveries.size() >= count; });
    co_await stop();
  }

  Async<void> acknowledges_all_in_one_turn(std::string queue) {
    broker->start(*this, {consumer_of(queue, 1000)});
    co_await until([&] { return deliveries.size() == 1000; });
    for (const Delivery& delivery : deliveries) broker->settle(delivery.ref, Verdict::ack);
    co_await stop();
  }

  Async<void> settles_each_differently(std::string queue) {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return deliveries.size() == 3; });
    broker->settle(deliveries[0].ref, Verdict::reject);
    broker->settle(deliveries[1].ref, Verdict::requeue);
    broker->settle(deliveries[2].ref, Verdict::ack);
    co_await until([&] { return deliveries.size() == 4; });
    broker->settle(deliveries[3].ref, Verdict::ack);
    co_await stop();
  }

  Async<void> settles_every_second(std::string queue) {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return deliveries.size() == 10; });
    for (std::size_t i = 0; i < 10; i += 2) broker->settle(deliveries[i].ref, Verdict::ack);
    co_await stop();
  }

  Async<void> settles_twice(std::string queue) {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return deliveries.size() == 2; });
    broker->settle(deliveries[0].ref, Verdict::ack);
    broker->settle(deliveries[0].ref, Verdict::ack);
    DeliveryRef old = deliveries[1].ref;
    old.connection += 1;
    broker->settle(old, Verdict::ack);
    co_await worker::sleep_for(loop, 1ms);  // a turn ends
    broker->settle(deliveries[0].ref, Verdict::reject);
    broker->settle(deliveries[1].ref, Verdict::ack);
    co_await stop();
  }

  Async<void> publishes(std::string queue, int count) {
    broker->start(*this, {});
    std::vector<Async<void>> all;
    for (int i = 0; i < count; ++i) {
      Publication publication = task_to(queue, std::to_string(i));
      publication.declare_queues = {plain_queue(queue)};
      all.push_back(broker->publish(std::move(publication)));
    }
    co_await when_all(std::move(all));
    co_await stop();
  }

  Async<void> publishes_to_nowhere() {
    broker->start(*this, {});
    Publication first = task_to("no-such-queue", "1");
    Publication second = first;
    Publication optional = first;
    optional.routed = worker::Routed::may;
    EXPECT_NE((co_await error_of(std::move(first))).find("NO_ROUTE"), std::string::npos);
    EXPECT_NE((co_await error_of(std::move(second))).find("no-such-queue"), std::string::npos);
    EXPECT_EQ(co_await error_of(std::move(optional)), "");
    co_await stop();
  }

  Async<void> publishes_to_a_missing_exchange(std::string queue) {
    broker->start(*this, {});
    std::vector<Async<std::string>> all;
    for (int i = 0; i < 21; ++i) {
      Publication publication = task_to(queue, std::to_string(i));
      if (i == 10) publication.exchange = "no-such-exchange";
      all.push_back(error_of(std::move(publication)));
    }
    const std::vector<std::string> errors = co_await when_all(std::move(all));
    for (std::size_t i = 0; i < errors.size(); ++i) {
      if (i == 10) {
        EXPECT_NE(errors[i].find("no exchange 'no-such-exchange'"), std::string::npos) << errors[i];
      } else {
        EXPECT_EQ(errors[i], "");
      }
    }
    co_await stop();
  }

  Async<void> publishes_while_the_exchange_disappears(std::string queue, std::string exchange) {
    broker->start(*this, {});
    Publication through_exchange = task_to(queue, "first");
    through_exchange.exchange = exchange;
    Publication again = through_exchange;
    EXPECT_EQ(co_await error_of(std::move(through_exchange)), "");
    Rabbit().delete_exchange(exchange);
    std::vector<Async<std::string>> all;
    for (int i = 0; i < 21; ++i) {
      Publication publication = i == 10 ? again : task_to(queue, std::to_string(i));
      all.push_back(error_of(std::move(publication)));
    }
    const std::vector<std::string> errors = co_await when_all(std::move(all));
    for (std::size_t i = 0; i < errors.size(); ++i) {
      if (i == 10) {
        EXPECT_NE(errors[i].find("no exchange '" + exchange + "'"), std::string::npos);
      } else {
        EXPECT_EQ(errors[i], "");
      }
    }
    co_await stop();
  }

  Async<void> publishes_the_impossible(std::string queue) {
    broker->start(*this, {});
    Publication long_property = task_to(queue, "");
    long_property.properties.correlation_id = std::string(256, 'x');
    Publication long_headers = task_to(queue, "");
    long_headers.properties.headers["big"] = std::string(200000, 'x');
    Publication wrong_expiration = task_to(queue, "");
    wrong_expiration.properties.expiration = "soon";
    Publication fine = task_to(queue, "fine");
    EXPECT_NE((co_await error_of(std::move(long_property))).find("correlation_id"),
              std::string::npos);
    EXPECT_NE((co_await error_of(std::move(long_headers))).find("headers"), std::string::npos);
    EXPECT_NE((co_await error_of(std::move(wrong_expiration))).find("expiration"),
              std::string::npos);
    EXPECT_EQ(co_await error_of(std::move(fine)), "");
    co_await stop();
  }
};

TEST_F(Broker, ConsumesAndAcknowledgesTenThousandMessages) {
  const std::string queue = unique_name("many");
  Rabbit rabbit;
  rabbit.declare(plain_queue(queue));
  constexpr std::size_t kCount = 10000;
  for (std::size_t i = 0; i < kCount; ++i) rabbit.publish(queue, "body " + std::to_string(i));
  rabbit.flush();

  verdict = Verdict::ack;
  make_broker();
  run(consumes_and_acknowledges(queue, kCount));

  ASSERT_EQ(deliveries.size(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(deliveries[i].body, "body " + std::to_string(i));
    ASSERT_FALSE(deliveries[i].info.redelivered);
    ASSERT_EQ(deliveries[i].info.queue, queue);
  }
  // stop() returned after close-ok: the broker has forgotten all of them.
  EXPECT_EQ(rabbit.message_count(queue), 0u);
  EXPECT_EQ(consuming, 1);
  EXPECT_TRUE(losses.empty());
  rabbit.delete_queue(queue);
}

// --- settling

TEST_F(Broker, AcksOfOneTurnGoOutTogether) {
  const std::string queue = unique_name("coalesce");
  Rabbit rabbit;
  rabbit.declare(plain_queue(queue));
  for (int i = 0; i < 1000; ++i) rabbit.publish(queue, "x");
  rabbit.flush();
  make_broker();
  run(acknowledges_all_in_one_turn(queue));
  EXPECT_EQ(rabbit.message_count(queue), 0u);
  rabbit.delete_queue(queue);
}

TEST_F(Broker, RejectsAndRequeues) {
  const std::string queue = unique_name("reject");
  Rabbit rabbit;
  rabbit.declare(plain_queue(queue));
  for (const char* body : {"reject", "requeue", "ack"}) rabbit.publish(queue, body);
  rabbit.flush();
  make_broker();
  run(settles_each_differently(queue));

  ASSERT_EQ(deliveries.size(), 4u);
  EXPECT_EQ(deliveries[3].body, "requeue");
  EXPECT_TRUE(deliveries[3].info.redelivered);
  EXPECT_EQ(rabbit.message_count(queue), 0u);
  const worker::BrokerStatus status = broker->status();
  EXPECT_EQ(status.acks, 2u);
  EXPECT_EQ(status.rejects, 1u);
  EXPECT_EQ(status.requeues, 1u);
  rabbit.delete_queue(queue);
}

TEST_F(Broker, WhatIsNotSettledGoesBackAtStop) {
  const std::string queue = unique_name("unsettled");
  Rabbit rabbit;
  rabbit.declare(plain_queue(queue));
  for (int i = 0; i < 10; ++i) rabbit.publish(queue, std::to_string(i));
  rabbit.flush();
  make_broker();
  run(settles_every_second(queue));
  EXPECT_EQ(rabbit.message_count(queue), 5u);
  rabbit.delete_queue(queue);
}

TEST_F(Broker, SettlingTwiceOrAnOldTagDoesNothing) {
  const std::string queue = unique_name("twice");
  Rabbit rabbit;
  rabbit.declare(plain_queue(queue));
  rabbit.publish(queue, "1");
  rabbit.publish(queue, "2");
  rabbit.flush();
  make_broker();
  run(settles_twice(queue));
  EXPECT_TRUE(losses.empty());
  EXPECT_EQ(broker->status().acks, 2u);
  rabbit.delete_queue(queue);
}

// --- publishing

TEST_F(Broker, PublishesAndIsConfirmed) {
  const std::string queue = unique_name("publish");
  make_broker();
  run(publishes(queue, 1000));
  Rabbit rabbit;
  EXPECT_EQ(rabbit.message_count(queue), 1000u);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(rabbit.get(queue), std::to_string(i));
  EXPECT_EQ(broker->status().confirmed, 1000u);
  EXPECT_EQ(broker->status().outbox_messages, 0u);
  rabbit.delete_queue(queue);
}

TEST_F(Broker, AnUnroutableMessageFailsUnlessItMayBe) {
  make_broker();
  run(publishes_to_nowhere());
  EXPECT_EQ(broker->status().returned, 2u);
}

TEST_F(Broker, AMissingExchangeFailsItsPublicationAlone) {
  const std::string queue = unique_name("survivor");
  Rabbit rabbit;
  rabbit.declare(plain_queue(queue));
  make_broker();
  run(publishes_to_a_missing_exchange(queue));
  EXPECT_EQ(rabbit.message_count(queue), 20u);
  rabbit.delete_queue(queue);
}

TEST_F(Broker, AnExchangeThatDisappearsFailsItsPublicationsAlone) {
  const std::string queue = unique_name("survivor");
  const std::string exchange = unique_name("vanishing");
  Rabbit rabbit;
  protocol::Queue bound = plain_queue(queue);
  bound.exchange.name = exchange;
  rabbit.declare(bound);
  make_broker();
  run(publishes_while_the_exchange_disappears(queue, exchange));
  EXPECT_GE(rabbit.message_count(queue), 21u);
  rabbit.delete_queue(queue);
}

TEST_F(Broker, WhatAmqpCannotCarryIsRefusedBeforeItIsSent) {
  const std::string queue = unique_name("refused");
  Rabbit rabbit;
  rabbit.declare(plain_queue(queue));
  make_broker();
  run(publishes_the_impossible(queue));
  EXPECT_EQ(rabbit.message_count(queue), 1u);
  rabbit.delete_queue(queue);
}

}  // namespace
}  // namespace celeriac::test
