#include "worker/consumer/routing.h"

#include <gtest/gtest.h>

#include "protocol/message/delayed_delivery.h"

namespace celeriac::worker {
namespace {

struct Routing {
  QueueSettings queue_settings;
  PublishSettings publish;

  Destination to(std::string_view task, const protocol::RoutingOptions& options = {}) {
    const Queues queues(queue_settings, "w@h");
    return Router(publish, queues).route(task, options);
  }
  Destination back_from(const protocol::DeliveryInfo& received) {
    const Queues queues(queue_settings, "w@h");
    return Router(publish, queues).back(received);
  }
};

TEST(Router, SendsToTheDefaultQueueThroughTheDefaultExchange) {
  const Destination destination = Routing().to("add");
  EXPECT_EQ(destination.exchange, "");
  EXPECT_EQ(destination.routing_key, "celery");
  ASSERT_EQ(destination.declare.size(), 1u);
  EXPECT_EQ(destination.declare[0].exchange.name, "celery");
}

TEST(Router, PrefersAnExactNameToAPattern) {
  Routing routing;
  routing.publish.task_routes = {
      {{"feeds.*", {{"queue", "feeds"}}}, {"feeds.x", {{"queue", "x"}}}}};
  EXPECT_EQ(routing.to("feeds.x").routing_key, "x");
  EXPECT_EQ(routing.to("feeds.y").routing_key, "feeds");
  EXPECT_EQ(routing.to("other").routing_key, "celery");
}

TEST(Router, TakesTheFirstTableThatAnswers) {
  Routing routing;
  routing.publish.task_routes = {{{"a", {{"queue", "one"}}}}, {{"*", {{"queue", "two"}}}}};
  EXPECT_EQ(routing.to("a").routing_key, "one");
  EXPECT_EQ(routing.to("b").routing_key, "two");
}

TEST(Router, LetsTheCallBeatTheRoute) {
  Routing routing;
  routing.publish.task_routes = {{{"a", {{"queue", "one"}, {"priority", 3}}}}};
  protocol::RoutingOptions options;
  options.queue = "mine";
  const Destination destination = routing.to("a", options);
  EXPECT_EQ(destination.routing_key, "mine");
  EXPECT_EQ(destination.priority, 3);
}

TEST(Router, UsesTheExchangeOfAQueueThatIsNotDirect) {
  Routing routing;
  protocol::Queue topic;
  topic.name = "t";
  topic.exchange.name = "events";
  topic.exchange.type = "topic";
  topic.routing_key = "task.#";
  routing.queue_settings.task_queues = {topic};
  protocol::RoutingOptions options;
  options.queue = "t";
  options.routing_key = "task.a";
  const Destination destination = routing.to("a", options);
  EXPECT_EQ(destination.exchange, "events");
  EXPECT_EQ(destination.routing_key, "task.a");
}

TEST(Router, PublishesToAnExchangeAsItIsTold) {
  protocol::RoutingOptions options;
  options.exchange = "elsewhere";
  options.routing_key = "k";
  const Destination destination = Routing().to("a", options);
  EXPECT_EQ(destination.exchange, "elsewhere");
  EXPECT_EQ(destination.routing_key, "k");
  EXPECT_TRUE(destination.declare.empty());
}

struct DelayedRouting : Routing {
  DelayedRouting() {
    protocol::Queue topic;
    topic.name = "t";
    topic.exchange.name = "events";
    topic.exchange.type = "topic";
    topic.routing_key = "task.#";
    topic.arguments.set("x-queue-type", "quorum");
    queue_settings.task_queues = {topic};
  }
};

TEST(Router, KnowsTheKeyUnderWhichAMessageWaitsAtTheBroker) {
  protocol::RoutingOptions options;
  options.queue = "t";
  EXPECT_EQ(DelayedRouting().to("a", options).delayed_key, "task.#");
  options.routing_key = "task.a";
  EXPECT_EQ(DelayedRouting().to("a", options).delayed_key, "task.a");
  options.queue = "direct";
  EXPECT_EQ(DelayedRouting().to("a", options).delayed_key, "");
}

TEST(Router, SendsARetryBackToWhereItCameFrom) {
  const Destination direct = Routing().back_from({"", "celery", "celery", false});
  EXPECT_EQ(direct.exchange, "");
  EXPECT_EQ(direct.routing_key, "celery");
  ASSERT_EQ(direct.declare.size(), 1u);
  EXPECT_EQ(direct.delayed_key, "");
  const Destination topic = DelayedRouting().back_from({"events", "task.a", "t", false});
  EXPECT_EQ(topic.exchange, "events");
  EXPECT_EQ(topic.routing_key, "task.a");
  EXPECT_EQ(topic.delayed_key, "task.a");
  EXPECT_EQ(DelayedRouting().back_from({"", "t", "t", false}).delayed_key, "task.#");
}

TEST(Router, SendsARetryOfADelayedMessageToItsOwnQueue) {
  const std::string key = *protocol::delayed_routing_key(std::chrono::seconds(5), "task.a");
  const Destination again = DelayedRouting().back_from({"celery_delayed_1", key, "t", false});
  EXPECT_EQ(again.exchange, "");
  EXPECT_EQ(again.routing_key, "t");
  EXPECT_EQ(again.delayed_key, "task.a");
}

}  // namespace
}  // namespace celeriac::worker
