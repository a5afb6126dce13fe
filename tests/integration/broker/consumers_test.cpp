// Declaring, and consumers that come and go.
#include "tests/integration/broker/broker_fixture.h"
#include "tests/integration/broker/tcp_proxy.h"

namespace celeriac::test {
namespace {

using worker::BrokerSettings;
using worker::ConsumerSpec;
using worker::Delivery;
using worker::Publication;
using worker::Verdict;

class Consumers : public BrokerTest {
 protected:
  Consumers() : queue(unique_name("consumers")) {}
  ~Consumers() override { rabbit.delete_queue(queue); }

  void fill(const std::string& name, int count) {
    for (int i = 0; i < count; ++i) rabbit.publish(name, std::to_string(i));
    rabbit.flush();
  }

  ConsumerSpec quorum_consumer(std::uint16_t prefetch) {
    ConsumerSpec spec = consumer_of(queue, prefetch);
    spec.queue.arguments = {{"x-queue-type", Json("quorum")}};
    return spec;
  }

  Async<void> starts_and_gives_up(ConsumerSpec spec) {
    broker->start(*this, {std::move(spec)});
    co_await until([&] { return !unrecoverable.empty(); });
    co_await stop();
  }

  Async<void> loses_its_queue() {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return consuming == 1; });
    rabbit.delete_queue(queue);
    co_await until([&] { return consuming == 2; });
    EXPECT_NE(losses.at(0).find(queue), std::string::npos);
    rabbit.publish(queue, "after");
    co_await until([&] { return deliveries.size() == 1; });
    broker->settle(deliveries[0].ref, Verdict::ack);
    co_await stop();
  }

  Async<void> waits_for_the_lock(ConsumerSpec mailbox, std::unique_ptr<Rabbit> owner) {
    broker->start(*this, {std::move(mailbox)});
    co_await worker::sleep_for(loop, 300ms);
    EXPECT_EQ(consuming, 0);
    EXPECT_TRUE(unrecoverable.empty());
    owner.reset();
    co_await until([&] { return consuming == 1; });
    co_await stop();
  }

  Async<void> adds_and_cancels(std::string added) {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return consuming == 1; });
    co_await broker->add_consumer(consumer_of(added));
    fill(added, 3);
    co_await until([&] { return deliveries.size() == 3; });
    EXPECT_EQ(deliveries[0].info.queue, added);
    co_await broker->cancel_consumer(added);
    EXPECT_EQ(rabbit.consumer_count(added), 0u);
    // What it had received may still be settled.
    for (const Delivery& delivery : deliveries) broker->settle(delivery.ref, Verdict::ack);
    fill(added, 1);
    co_await stop();
    EXPECT_EQ(deliveries.size(), 3u);
    EXPECT_EQ(rabbit.message_count(added), 1u);
  }

  Async<void> adds_and_is_cut(TcpProxy& proxy, std::string first, std::string second) {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return consuming == 1; });
    co_await broker->add_consumer(consumer_of(first));
    proxy.refuse();
    proxy.cut();
    co_await until([&] { return losses.size() == 1; });
    co_await broker->add_consumer(consumer_of(second));
    co_await broker->cancel_consumer(queue);
    proxy.accept();
    co_await until([&] { return consuming == 2; });
    co_await until([&] { return rabbit.consumer_count(second) == 1; });
    EXPECT_EQ(rabbit.consumer_count(first), 1u);
    EXPECT_EQ(rabbit.consumer_count(queue), 0u);
    co_await stop();
  }

  Async<void> adds_what_the_broker_refuses(ConsumerSpec other) {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return consuming == 1; });
    std::string refusal;
    try {
      co_await broker->add_consumer(std::move(other));
    } catch (const Error& error) {
      refusal = error.what();
    }
    EXPECT_NE(refusal.find("PreconditionFailed(406"), std::string::npos) << refusal;
    fill(queue, 1);
    co_await until([&] { return deliveries.size() == 1; });
    co_await stop();
    EXPECT_TRUE(losses.empty());
  }

  Async<void> renews_its_window(ConsumerSpec spec) {
    broker->start(*this, {spec});
    co_await until([&] { return deliveries.size() == 2; });
    broker->renew_consumer(queue, 2);
    co_await until([&] { return deliveries.size() == 4; });
    broker->renew_consumer(queue, 3);
    co_await until([&] { return deliveries.size() == 7; });
    // Deliveries of all three consumers are settled over the same channel.
    for (const Delivery& delivery : deliveries) broker->settle(delivery.ref, Verdict::ack);
    co_await until([&] { return deliveries.size() == 10; });
    for (std::size_t i = 7; i < 10; ++i) broker->settle(deliveries[i].ref, Verdict::ack);
    co_await stop();
  }

  Async<void> stops_consuming() {
    broker->start(*this, {consumer_of(queue, 5)});
    co_await until([&] { return deliveries.size() == 5; });
    co_await broker->stop_consuming();
    EXPECT_EQ(rabbit.consumer_count(queue), 0u);
    const std::size_t count = deliveries.size();
    for (const Delivery& delivery : deliveries) broker->settle(delivery.ref, Verdict::ack);
    co_await worker::sleep_for(loop, 50ms);
    EXPECT_EQ(deliveries.size(), count);
    EXPECT_FALSE(broker->status().consuming);
    co_await stop();
    EXPECT_EQ(rabbit.message_count(queue), 20 - count);
  }

  Async<void> receives(ConsumerSpec spec, std::size_t count) {
    broker->start(*this, {std::move(spec)});
    co_await until([&] { return deliveries.size() == count; });
    co_await stop();
  }

  Async<void> sends_and_receives(Publication publication) {
    broker->start(*this, {consumer_of(queue)});
    co_await broker->publish(std::move(publication));
    co_await until([&] { return deliveries.size() == 1; });
    broker->settle(deliveries[0].ref, Verdict::ack);
    co_await stop();
  }

  // One message is delivered and holds the consumer's window; the others are ready.
  Async<void> counts_its_queue() {
    broker->start(*this, {consumer_of(queue, 1)});
    co_await until([&] { return deliveries.size() == 1; });
    EXPECT_TRUE(broker->status().queues.empty());
    broker->count_queues();
    broker->count_queues();
    co_await until([&] { return broker->status().queues.contains(queue); });
    EXPECT_EQ(broker->status().queues.at(queue).messages, 6u);
    EXPECT_EQ(broker->status().queues.at(queue).consumers, 1u);
    broker->settle(deliveries[0].ref, Verdict::ack);
    co_await stop();
  }

  Async<void> purges() {
    broker->start(*this, {});
    EXPECT_EQ(co_await broker->purge(plain_queue(queue)), 7u);
    EXPECT_EQ(co_await broker->purge(plain_queue(queue)), 0u);
    EXPECT_EQ(co_await broker->purge(plain_queue("no-such-queue")), 0u);
    co_await stop();
  }

  Rabbit rabbit;
  const std::string queue;
};

TEST_F(Consumers, ARefusedDeclarationEndsItInCelerysWords) {
  rabbit.declare(plain_queue(queue));
  ConsumerSpec other = consumer_of(queue);
  other.queue.arguments = {{"x-max-priority", Json(5)}};
  make_broker();
  run(starts_and_gives_up(std::move(other)));
  EXPECT_EQ(unrecoverable.at(0).rfind("PreconditionFailed(406, \"PRECONDITION_FAILED - ", 0), 0u)
      << unrecoverable.at(0);
  EXPECT_NE(unrecoverable.at(0).find("\", (50, 10), 'Queue.declare')"), std::string::npos)
      << unrecoverable.at(0);
}

TEST_F(Consumers, AQueueThatIsDeletedIsDeclaredAndConsumedAgain) {
  make_broker();
  run(loses_its_queue());
  EXPECT_EQ(rabbit.message_count(queue), 0u);
}

TEST_F(Consumers, AMailboxThatADyingConnectionOwnsIsWaitedFor) {
  ConsumerSpec mailbox = consumer_of(queue);
  mailbox.group = ConsumerSpec::Group::control;
  mailbox.acknowledge = ConsumerSpec::Acknowledge::automatic;
  mailbox.queue.durable = false;
  mailbox.queue.exclusive = true;
  mailbox.queue.auto_delete = true;
  auto owner = std::make_unique<Rabbit>();
  owner->declare(mailbox.queue);
  make_broker();
  run(waits_for_the_lock(mailbox, std::move(owner)));
}

TEST_F(Consumers, ComeAndGoWhileItRuns) {
  const std::string added = unique_name("added");
  make_broker();
  run(adds_and_cancels(added));
  rabbit.delete_queue(added);
}

TEST_F(Consumers, ThatWereAddedSurviveAReconnect) {
  const std::string first = unique_name("first"), second = unique_name("second");
  rabbit.declare(plain_queue(second));
  TcpProxy proxy(amqp_url());
  BrokerSettings settings;
  settings.urls = {proxy.url()};
  make_broker(settings);
  run(adds_and_is_cut(proxy, first, second));
  rabbit.delete_queue(first);
  rabbit.delete_queue(second);
}

TEST_F(Consumers, ARefusedAdditionDoesNotDisturbTheOthers) {
  const std::string name = unique_name("refused");
  rabbit.declare(plain_queue(name));
  ConsumerSpec other = consumer_of(name);
  other.queue.arguments = {{"x-max-priority", Json(5)}};
  make_broker();
  run(adds_what_the_broker_refuses(std::move(other)));
  rabbit.delete_queue(name);
}

TEST_F(Consumers, AreRenewedOnAClassicQueue) {
  rabbit.declare(plain_queue(queue));
  fill(queue, 10);
  make_broker();
  run(renews_its_window(consumer_of(queue, 2)));
  EXPECT_TRUE(losses.empty());
  EXPECT_EQ(rabbit.message_count(queue), 0u);
}

TEST_F(Consumers, AreRenewedOnAQuorumQueue) {
  rabbit.declare(quorum_consumer(2).queue);
  fill(queue, 10);
  make_broker();
  run(renews_its_window(quorum_consumer(2)));
  EXPECT_TRUE(losses.empty());
  EXPECT_EQ(rabbit.message_count(queue), 0u);
  for (const Delivery& delivery : deliveries) EXPECT_FALSE(delivery.info.redelivered);
}

TEST_F(Consumers, AreRenewedOnAnAutoDeleteQueue) {
  ConsumerSpec spec = consumer_of(queue, 2);
  spec.queue.auto_delete = true;
  rabbit.declare(spec.queue);
  fill(queue, 10);
  make_broker();
  run(renews_its_window(spec));
  EXPECT_TRUE(losses.empty());
}

TEST_F(Consumers, ReceiveNothingAfterStopConsuming) {
  rabbit.declare(plain_queue(queue));
  fill(queue, 20);
  make_broker();
  run(stops_consuming());
}

TEST_F(Consumers, ThatAcknowledgeAutomaticallyNeedNoVerdict) {
  rabbit.declare(plain_queue(queue));
  fill(queue, 10);
  ConsumerSpec spec = consumer_of(queue);
  spec.acknowledge = ConsumerSpec::Acknowledge::automatic;
  make_broker();
  run(receives(spec, 10));
  EXPECT_EQ(rabbit.message_count(queue), 0u);
}

TEST_F(Consumers, AreToldOfABodyThatIsTooLarge) {
  rabbit.declare(plain_queue(queue));
  rabbit.publish(queue, std::string(300000, 'x'));
  rabbit.publish(queue, "fits");
  rabbit.flush();
  BrokerSettings settings;
  settings.max_body_bytes = 299999;
  verdict = Verdict::ack;
  make_broker(settings);
  run(receives(consumer_of(queue), 2));
  EXPECT_EQ(deliveries[0].oversized, 300000u);
  EXPECT_EQ(deliveries[0].body, "");
  EXPECT_EQ(deliveries[1].oversized, 0u);
  EXPECT_EQ(deliveries[1].body, "fits");
}

TEST_F(Consumers, ReceiveBodiesOfManyFrames) {
  rabbit.declare(plain_queue(queue));
  std::string body(1000000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000)
    body[i] = static_cast<char>('a' + i / 1000 % 26);
  rabbit.publish(queue, body);
  rabbit.flush();
  verdict = Verdict::ack;
  make_broker();
  run(receives(consumer_of(queue), 1));
  EXPECT_TRUE(deliveries[0].body == body);
}

TEST_F(Consumers, ReceiveThePropertiesThatWereSent) {
  rabbit.declare(plain_queue(queue));
  Publication publication = task_to(queue, "{}");
  protocol::Properties& properties = publication.properties;
  properties.content_type = "application/json";
  properties.content_encoding = "utf-8";
  properties.correlation_id = "id";
  properties.reply_to = "reply";
  properties.priority = 3;
  properties.expiration = "60000";
  properties.headers = {{"lang", Json("py")},
                        {"eta", Json()},
                        {"retries", Json(3)},
                        {"wide", Json(std::int64_t{1} << 40)},
                        {"timelimit", Json::array({Json(1.5), Json()})},
                        {"ignore_result", Json(false)},
                        {"stamps", Json::object()}};
  const protocol::Properties sent = properties;
  make_broker();
  run(sends_and_receives(std::move(publication)));
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].properties, sent);
}

TEST_F(Consumers, SurviveHeadersThatAreNestedWithoutEnd) {
  rabbit.declare(plain_queue(queue));
  // As deep as a frame can hold, written by hand: we would refuse to.
  std::vector<amqp_table_entry_t> levels(10000);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i].key = amqp_empty_bytes;
    levels[i].value.kind = AMQP_FIELD_KIND_TABLE;
    levels[i].value.value.table = {i == 0 ? 0 : 1, i == 0 ? nullptr : &levels[i - 1]};
  }
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {1, &levels.back()};
  rabbit.publish_raw(queue, "deep", properties);
  rabbit.publish(queue, "fine");
  rabbit.flush();
  verdict = Verdict::ack;
  make_broker();
  run(receives(consumer_of(queue), 2));
  EXPECT_NE(deliveries[0].malformed, "");
  EXPECT_EQ(deliveries[1].malformed, "");
}

TEST_F(Consumers, AreCountedWithTheMessagesThatWait) {
  rabbit.declare(plain_queue(queue));
  fill(queue, 7);
  make_broker();
  run(counts_its_queue());
  EXPECT_TRUE(losses.empty());
}

TEST_F(Consumers, PurgesAQueue) {
  rabbit.declare(plain_queue(queue));
  fill(queue, 7);
  make_broker();
  run(purges());
}

}  // namespace
}  // namespace celeriac::test
