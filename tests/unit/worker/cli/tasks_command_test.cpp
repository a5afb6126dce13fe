#include "worker/cli/tasks_command.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

long add(long x, long y) {
  return x + y;
}

TEST(ListTasks, ShowsSignaturesAndOptions) {
  Registry registry;
  registry.add("tasks.add", add, params("x", param("y", 2)),
               {.rate_limit = "10/m",
                .max_retries = 5,
                .acks_late = true,
                .time_limit = std::chrono::seconds(30),
                .description = "Adds two numbers."});
  EXPECT_EQ(list_tasks(registry),
            "tasks.add(x: int, y: int = 2) -> int\n"
            "    Adds two numbers.\n"
            "    in the pool; rate_limit=10/m, max_retries=5, acks_late=true, time_limit=30s\n");
}

TEST(ListTasks, SaysHowToGetSome) {
  EXPECT_EQ(list_tasks(Registry{}), "No task is registered; give a module with -A.\n");
}

}  // namespace
}  // namespace celeriac::worker
