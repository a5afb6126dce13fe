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

TEST(Queues, AddsTheQueueOfThisWorkerAlone) {
  QueueSettings settings;
  settings.worker_direct = true;
  const Queues queues(settings, "w@h");
  EXPECT_EQ(consumed(queues), (std::vector<std::string>{"celery", "w@h.dq2"}));
  EXPECT_EQ(queues.consumed()[1].exchange.name, "C.dq2");
}

}  // namespace
}  // namespace celeriac::worker
