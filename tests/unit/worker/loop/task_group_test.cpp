#include "worker/loop/task_group.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/run_on_loop.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using test::run_on_loop;

Async<void> adds(int* count) {
  ++*count;
  co_return;
}

Async<void> fails(std::string text) {
  throw Error(text);
  co_return;
}

TEST(TaskGroup, StartsNothingInsideSpawn) {
  Loop loop;
  TaskGroup group(loop, [](std::exception_ptr) {});
  int count = 0;
  group.spawn(adds(&count));
  EXPECT_EQ(count, 0);
  run_on_loop(loop, group.join());
  EXPECT_EQ(count, 1);
}

TEST(TaskGroup, ReportsWhatEscapesFromACoroutine) {
  Loop loop;
  std::string reported;
  TaskGroup group(loop, [&](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const Error& escaped) {
      reported = escaped.what();
    }
  });
  group.spawn(fails("unexpected"));
  run_on_loop(loop, group.join());
  EXPECT_EQ(reported, "unexpected");
}

TEST(TaskGroup, JoinOfAnEmptyGroupIsImmediate) {
  Loop loop;
  TaskGroup group(loop, [](std::exception_ptr) {});
  run_on_loop(loop, group.join());
  run_on_loop(loop, group.join());
}

TEST(TaskGroup, CancellingBeforeTheStartRunsNothing) {
  Loop loop;
  TaskGroup group(loop, [](std::exception_ptr) {});
  int count = 0;
  group.spawn(adds(&count));
  group.cancel_all();
  run_on_loop(loop, group.join());
  EXPECT_EQ(count, 0);
}

Async<void> sleeps(Loop& loop) {
  co_await sleep_for(loop, 1h);
}

TEST(TaskGroup, TenThousandWaitersAreCancelledInOneGo) {
  Loop loop;
  TaskGroup group(loop, [](std::exception_ptr) {});
  for (int i = 0; i < 10'000; ++i) group.spawn(sleeps(loop));
  run_on_loop(loop, sleep_for(loop, 1ms));
  EXPECT_EQ(group.size(), 10'000u);
  group.cancel_all();
  run_on_loop(loop, group.join());
  EXPECT_TRUE(group.empty());
}

}  // namespace
}  // namespace celeriac::worker
