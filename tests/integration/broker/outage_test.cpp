// What a lost, refused or silent broker costs: nothing.
#include <algorithm>
#include <map>
#include <set>

#include "tests/integration/broker/broker_fixture.h"
#include "tests/integration/broker/tcp_proxy.h"

namespace celeriac::test {
namespace {

using worker::BrokerSettings;
using worker::BrokerStatus;
using worker::ConsumerSpec;
using worker::Delivery;
using worker::Durability;
using worker::Publication;
using worker::Verdict;

class BrokerOutage : public BrokerTest {
 protected:
  BrokerOutage() : queue(unique_name("outage")) { rabbit.declare(plain_queue(queue)); }
  ~BrokerOutage() override { rabbit.delete_queue(queue); }

  void make_broker_behind(TcpProxy& proxy, BrokerSettings settings = {}) {
    settings.urls = {proxy.url()};
    make_broker(std::move(settings));
  }

  std::set<std::string> bodies_in_queue() {
    std::set<std::string> bodies;
    while (auto body = rabbit.get(queue)) bodies.insert(*body);
    return bodies;
  }

  Async<void> is_cut_several_times(TcpProxy& proxy, std::size_t count) {
    broker->start(*this, {consumer_of(queue, 50)});
    for (const std::size_t at : {count / 5, count / 3, count / 2}) {
      co_await until([&] { return deliveries.size() >= at; });
      proxy.cut();
      const std::size_t before = losses.size();
      co_await until([&] { return losses.size() > before; });
    }
    std::set<std::string> seen;
    std::size_t read = 0;
    co_await until([&] {
      for (; read < deliveries.size(); ++read) seen.insert(deliveries[read].body);
      return seen.size() == count;
    });
    co_await stop();
  }

  Async<void> publishes_while_refused(TcpProxy& proxy) {
    broker->start(*this, {});
    co_await until([&] { return broker->status().publisher_connected; });
    proxy.refuse();
    proxy.cut();
    co_await until([&] { return !broker->status().publisher_connected; });
    std::vector<Async<std::string>> all;
    for (int i = 0; i < 100; ++i) all.push_back(error_of(task_to(queue, std::to_string(i))));
    all.push_back(accept_when_waiting(proxy, 100));
    for (const std::string& error : co_await when_all(std::move(all))) EXPECT_EQ(error, "");
    co_await stop();
  }

  Async<std::string> accept_when_waiting(TcpProxy& proxy, std::size_t count) {
    co_await until([&] { return broker->status().outbox_messages == count; });
    proxy.accept();
    co_return "";
  }

  Async<void> fills_the_outbox() {
    broker->start(*this, {});
    for (int i = 0; i < 3; ++i) {
      Publication event = task_to(queue, "event");
      event.durability = Durability::transient;
      co_await broker->publish(std::move(event));
    }
    std::vector<Async<std::string>> all;
    for (int i = 0; i < 6; ++i) all.push_back(error_of(task_to(queue, std::to_string(i))));
    all.push_back(stop_without_waiting());
    const std::vector<std::string> errors = co_await when_all(std::move(all));
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_NE(errors[i].find("the worker stops"), std::string::npos) << errors[i];
    }
    EXPECT_NE(errors[5].find("the outbox is full: 5 messages"), std::string::npos) << errors[5];
    EXPECT_EQ(broker->status().dropped, 4u);
  }

  Async<std::string> stop_without_waiting() {
    co_await broker->stop(0ms);
    co_return "";
  }

  Async<void> is_cut_while_publishing(TcpProxy& proxy, int count) {
    broker->start(*this, {});
    std::vector<Async<std::string>> all;
    for (int i = 0; i < count; ++i) all.push_back(error_of(task_to(queue, std::to_string(i))));
    all.push_back(cut_when_published(proxy, static_cast<std::uint64_t>(count) / 3));
    for (const std::string& error : co_await when_all(std::move(all))) EXPECT_EQ(error, "");
    co_await stop();
  }

  Async<std::string> cut_when_published(TcpProxy& proxy, std::uint64_t count) {
    co_await until([&] { return broker->status().published >= count; });
    proxy.cut();
    co_return "";
  }

  Async<void> starts_before_the_broker(TcpProxy& proxy) {
    proxy.refuse();
    broker->start(*this, {consumer_of(queue)});
    co_await worker::sleep_for(loop, 100ms);
    EXPECT_EQ(consuming, 0);
    EXPECT_FALSE(broker->status().connected);
    proxy.accept();
    co_await until([&] { return consuming == 1; });
    co_await stop();
  }

  Async<void> gives_up() {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return !unrecoverable.empty(); });
    co_await stop();
  }

  Async<void> is_frozen(TcpProxy& proxy) {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return consuming == 1; });
    proxy.freeze();
    co_await until([&] { return !losses.empty(); });
    proxy.thaw();
    co_await until([&] { return consuming == 2; });
    co_await stop();
  }

  Async<void> idles(std::chrono::milliseconds time) {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return consuming == 1; });
    co_await worker::sleep_for(loop, time);
    co_await stop();
  }

  Async<void> stops_while_connecting() {
    broker->start(*this, {consumer_of(queue)});
    co_await worker::sleep_for(loop, 20ms);
    co_await stop();
    co_await stop();
  }

  Async<void> stops_twice_at_once() {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return consuming == 1; });
    std::vector<Async<void>> both;
    both.push_back(stop());
    both.push_back(stop());
    co_await when_all(std::move(both));
  }

  Async<void> consumes_once() {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return consuming == 1; });
    co_await stop();
  }

  Rabbit rabbit;
  const std::string queue;
};

TEST_F(BrokerOutage, ALostConnectionLosesNothingAndAcksNothingTwice) {
  constexpr std::size_t kCount = 3000;
  for (std::size_t i = 0; i < kCount; ++i) rabbit.publish(queue, std::to_string(i));
  rabbit.flush();
  TcpProxy proxy(amqp_url());
  make_broker_behind(proxy);
  verdict = Verdict::ack;
  run(is_cut_several_times(proxy, kCount));

  EXPECT_EQ(losses.size(), 3u);
  for (const std::string& reason : losses) {
    EXPECT_EQ(reason.find("unknown delivery tag"), std::string::npos) << reason;
  }
  EXPECT_EQ(rabbit.message_count(queue), 0u);
  EXPECT_EQ(broker->status().reconnects, 3u);
}

TEST_F(BrokerOutage, TheOutboxKeepsWhatIsPublishedMeanwhile) {
  TcpProxy proxy(amqp_url());
  make_broker_behind(proxy);
  run(publishes_while_refused(proxy));
  EXPECT_EQ(bodies_in_queue().size(), 100u);
}

TEST_F(BrokerOutage, TheOutboxIsBoundedAndDropsEventsFirst) {
  BrokerSettings settings;
  settings.urls = {"amqp://127.0.0.1:1//"};
  settings.outbox_messages = 5;
  make_broker(settings);
  run(fills_the_outbox());
}

TEST_F(BrokerOutage, WhatWasNotConfirmedIsPublishedAgain) {
  TcpProxy proxy(amqp_url());
  make_broker_behind(proxy);
  run(is_cut_while_publishing(proxy, 2000));
  EXPECT_EQ(bodies_in_queue().size(), 2000u);
}

TEST_F(BrokerOutage, WaitsForABrokerThatStartsLater) {
  TcpProxy proxy(amqp_url());
  make_broker_behind(proxy);
  run(starts_before_the_broker(proxy));
}

TEST_F(BrokerOutage, GivesUpAfterTheConfiguredRetries) {
  BrokerSettings settings;
  settings.urls = {"amqp://guest:secret@127.0.0.1:1//"};
  settings.connection_max_retries = 1;
  make_broker(settings);
  run(gives_up());
  EXPECT_EQ(unrecoverable.at(0),
            "Cannot connect to amqp://guest:**@127.0.0.1:1//: [Errno 111] Connection refused (gave "
            "up after 1 retries)");
}

TEST_F(BrokerOutage, DoesNotRetryWhereRetriesAreDisabled) {
  BrokerSettings settings;
  settings.urls = {"amqp://127.0.0.1:1//"};
  settings.connection_retry_on_startup = false;
  make_broker(settings);
  run(gives_up());
  EXPECT_NE(unrecoverable.at(0).find("[Errno 111] Connection refused"), std::string::npos);
  EXPECT_NE(unrecoverable.at(0).find("broker_connection_retry_on_startup=False"),
            std::string::npos);
}

TEST_F(BrokerOutage, AWrongPasswordIsNamedAndNotShown) {
  BrokerSettings settings;
  std::string url = amqp_url();
  const std::size_t at = url.find('@');
  settings.urls = {url.substr(0, at) + "-wrong" + url.substr(at)};
  make_broker(settings);
  run(gives_up());
  EXPECT_NE(unrecoverable.at(0).find("AccessRefused(403"), std::string::npos);
  EXPECT_NE(unrecoverable.at(0).find("check user and password"), std::string::npos);
  EXPECT_EQ(unrecoverable.at(0).find("-wrong"), std::string::npos);
}

TEST_F(BrokerOutage, AMissingVirtualHostIsNamed) {
  BrokerSettings settings;
  settings.urls = {amqp_url() + "-missing"};
  make_broker(settings);
  run(gives_up());
  EXPECT_NE(unrecoverable.at(0).find("NotAllowed(530"), std::string::npos);
  EXPECT_NE(unrecoverable.at(0).find("check the virtual host"), std::string::npos);
}

TEST_F(BrokerOutage, ASilentBrokerIsNoticedByItsMissingHeartbeats) {
  TcpProxy proxy(amqp_url());
  BrokerSettings settings;
  settings.heartbeat = 1s;
  make_broker_behind(proxy, settings);
  run(is_frozen(proxy));
}

TEST_F(BrokerOutage, HeartbeatsGoOutWhileNothingHappens) {
  BrokerSettings settings;
  settings.heartbeat = 1s;
  make_broker(settings);
  // RabbitMQ gives up on a client after two silent intervals.
  run(idles(4s));
  EXPECT_TRUE(losses.empty());
  EXPECT_TRUE(broker->status().publisher_connected || broker->status().outbox_messages == 0);
}

TEST_F(BrokerOutage, FailsOverToTheNextUrl) {
  BrokerSettings settings;
  settings.urls = {"amqp://127.0.0.1:1//", amqp_url()};
  make_broker(settings);
  run(consumes_once());
  EXPECT_EQ(broker->status().reconnects, 0u);
}

TEST_F(BrokerOutage, StopsWhileItConnects) {
  BrokerSettings settings;
  // Packets to this address (RFC 5737) get no answer, or the network is unreachable.
  settings.urls = {"amqp://192.0.2.1:5672//"};
  make_broker(settings);
  run(stops_while_connecting());
}

TEST_F(BrokerOutage, StopsOnceHoweverOftenItIsAsked) {
  make_broker();
  run(stops_twice_at_once());
}

TEST_F(BrokerOutage, MayBeDestroyedWithoutStop) {
  make_broker();
  broker->start(*this, {consumer_of(queue)});
  broker.reset();
}

}  // namespace
}  // namespace celeriac::test
