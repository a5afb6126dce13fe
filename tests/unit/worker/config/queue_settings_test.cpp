#include "worker/config/queue_settings.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

template <class Reader>
auto read(const std::string& yaml, Reader reader, std::string* mistakes = nullptr) {
  auto file = read_config(yaml, "w.yaml", nullptr);
  auto result = reader(file->root("value"));
  std::string all;
  for (const auto& mistake : file->mistakes()) all += to_string(mistake) + "\n";
  if (mistakes) {
    *mistakes = all;
  } else {
    EXPECT_EQ(all, "");
  }
  return result;
}

TEST(TaskQueues, AreNamesOrMaps) {
  const auto queues = read(
      "- celery\n"
      "- name: reports\n"
      "  exchange: {name: files, type: topic}\n"
      "  routing_key: report.#\n"
      "  queue_arguments: {x-queue-type: quorum}\n"
      "  max_priority: 5\n"
      "  max_length: 100\n"
      "  message_ttl: 1m\n"
      "  durable: false\n",
      read_task_queues);
  ASSERT_EQ(queues.size(), 2u);
  EXPECT_EQ(queues[0].name, "celery");
  EXPECT_EQ(queues[1].exchange.name, "files");
  EXPECT_EQ(queues[1].exchange.type, "topic");
  EXPECT_EQ(queues[1].routing_key, "report.#");
  EXPECT_FALSE(queues[1].durable);
  EXPECT_EQ(queues[1].arguments, (JsonObject{{"x-queue-type", "quorum"},
                                             {"x-message-ttl", 60000},
                                             {"x-max-length", 100},
                                             {"x-max-priority", 5}}));
}

TEST(TaskQueues, TakeCelerysMapOfNamesToOptions) {
  const auto queues =
      read("a:\nb: {exchange: ex, binding_key: key, exchange_type: direct}\n", read_task_queues);
  ASSERT_EQ(queues.size(), 2u);
  EXPECT_EQ(queues[0].name, "a");
  EXPECT_EQ(queues[1].exchange.name, "ex");
  EXPECT_EQ(queues[1].routing_key, "key");
}

TEST(TaskQueues, ReportMistakes) {
  std::string mistakes;
  read("- {name: a, max_priorty: 5}\n- a\n- {max_length: 1}\n", read_task_queues, &mistakes);
  EXPECT_EQ(mistakes,
            "w.yaml:1:1: queue 'a' is listed twice\n"
            "w.yaml:1:13: unknown key 'max_priorty' in item 1 of value; did you mean "
            "'max_priority'?\n"
            "w.yaml:3:3: item 3 of value has no 'name'; add it\n");
}

TEST(TaskRoutes, KeepTheirOrder) {
  const auto routes =
      read("- {'b.*': slow, a: {queue: fast, priority: 3}}\n- {c: other}\n", read_task_routes);
  ASSERT_EQ(routes.size(), 2u);
  ASSERT_EQ(routes[0].size(), 2u);
  EXPECT_EQ(routes[0][0].pattern, "b.*");
  EXPECT_EQ(routes[0][0].options, (JsonObject{{"queue", "slow"}}));
  EXPECT_EQ(routes[0][1].options, (JsonObject{{"queue", "fast"}, {"priority", 3}}));
}

TEST(TaskAnnotations, AreReadInOrder) {
  std::string mistakes;
  const auto annotations = read("'*': {rate_limit: 10/s}\na: {acks_late: true, color: red}\n",
                                read_task_annotations, &mistakes);
  ASSERT_EQ(annotations.size(), 2u);
  EXPECT_EQ(annotations[0].task, "*");
  EXPECT_EQ(annotations[1].attributes, (JsonObject{{"acks_late", true}}));
  EXPECT_EQ(mistakes,
            "w.yaml:2:22: unknown key 'color' in the annotation of 'a'; look its name up, or "
            "remove it\n");
}

}  // namespace
}  // namespace celeriac::worker
