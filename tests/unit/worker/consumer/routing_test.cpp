#include "worker/consumer/routing.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

struct Routing {
  QueueSettings queue_settings;
  PublishSettings publish;

  Destination to(std::string_view task, const protocol::RoutingOptions& options = {}) {
    const Queues queues(queue_settings, "w@h");
    return Router(publish, queues).route(task, options);
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

}  // namespace
}  // namespace celeriac::worker
