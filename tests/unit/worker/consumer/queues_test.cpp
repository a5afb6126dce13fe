#include "worker/consumer/queues.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

protocol::Queue queue(std::string name) {
  protocol::Queue made;
  made.name = std::move(name);
  return made;
}

std::vector<std::string> consumed(const Queues& queues) {
  std::vector<std::string> names;
  for (const protocol::Queue& each : queues.consumed()) names.push_back(each.name);
  return names;
}

TEST(Queues, ConsumesTheDefaultQueueWhenNoneIsConfigured) {
  const Queues queues({}, "w@h");
  ASSERT_EQ(consumed(queues), (std::vector<std::string>{"celery"}));
  EXPECT_EQ(queues.consumed()[0].exchange.name, "celery");
  EXPECT_EQ(queues.consumed()[0].routing_key, "celery");
}

TEST(Queues, ConsumesWhatIsConfiguredThroughTheDefaultExchange) {
  QueueSettings settings;
  settings.task_queues = {queue("a"), queue("b")};
  settings.task_queue_max_priority = 9;
  const Queues queues(settings, "w@h");
  EXPECT_EQ(consumed(queues), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(queues.named("a").exchange.name, "celery");
  EXPECT_EQ(queues.named("a").routing_key, "a");
  EXPECT_EQ(*queues.named("a").arguments.find("x-max-priority"), Json(9));
}

TEST(Queues, SelectsAndDeselects) {
  QueueSettings settings;
  settings.task_queues = {queue("a"), queue("b")};
  settings.select = {"b", "new", "b"};
  EXPECT_EQ(consumed(Queues(settings, "w@h")), (std::vector<std::string>{"b", "new"}));
  settings.select.clear();
  settings.deselect = {"a"};
  EXPECT_EQ(consumed(Queues(settings, "w@h")), (std::vector<std::string>{"b"}));
  settings.deselect = {"a", "b"};
  EXPECT_THROW(Queues(settings, "w@h"), ConfigError);
}

TEST(Queues, CreatesAMissingQueueOnlyIfItMay) {
  QueueSettings settings;
  EXPECT_EQ(Queues(settings, "w@h").named("x").exchange.name, "x");
  settings.task_create_missing_queues = false;
  EXPECT_THROW(Queues(settings, "w@h").named("x"), ConfigError);
}

TEST(Queues, CreatesAMissingQueueOfTheTypesThatAreSet) {
  QueueSettings settings;
  settings.task_create_missing_queue_type = "quorum";
  settings.task_create_missing_queue_exchange_type = "topic";
  const protocol::Queue made = Queues(settings, "w@h").named("x");
  EXPECT_TRUE(made.is_quorum());
  EXPECT_EQ(made.exchange.type, "topic");
  EXPECT_FALSE(Queues(settings, "w@h").named("celery").is_quorum());
}

TEST(Queues, RefusesASelectedQueueThatIsMissingInCelerysWords) {
  QueueSettings settings;
  settings.select = {"celery", "x"};
  settings.task_create_missing_queues = false;
  try {
    const Queues refused(settings, "w@h");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_TRUE(std::string_view(error.what())
                    .starts_with("Trying to select queue subset of ['celery', 'x'], but queue 'x' "
                                 "isn't defined in the `task_queues` setting."))
        << error.what();
  }
}

TEST(Queues, DelaysNativelyWhereAQuorumQueueIsKnown) {
  QueueSettings settings;
  protocol::Queue topic = queue("t");
  topic.exchange.name = "tasks";
  topic.exchange.type = "topic";
  settings.task_queues = {topic, queue("direct")};
  EXPECT_TRUE(Queues(settings, "w@h").delayed_delivery().empty());
  settings.task_queues[1].arguments.set("x-queue-type", "quorum");
  const Queues queues(settings, "w@h");
  EXPECT_TRUE(queues.is_delayed_natively(queues.named("t")));
  EXPECT_FALSE(queues.is_delayed_natively(queues.named("direct")));
  const protocol::Declarations declarations = queues.delayed_delivery();
  ASSERT_EQ(declarations.size(), 30u);
  EXPECT_EQ(std::get<protocol::Queue>(declarations[29]).name, "t");
}

TEST(Queues, AddsTheQueueOfThisWorkerAlone) {
  QueueSettings settings;
  settings.task_queue_max_priority = 5;
  settings.worker_direct = true;
  const Queues queues(settings, "w@h");
  EXPECT_EQ(consumed(queues), (std::vector<std::string>{"celery", "w@h.dq2"}));
  EXPECT_EQ(queues.consumed()[1].exchange.name, "C.dq2");
  EXPECT_EQ(*queues.consumed()[1].arguments.find("x-max-priority"), Json(5));
}

}  // namespace
}  // namespace celeriac::worker
