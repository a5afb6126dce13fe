#include <celeriac/async.h>
#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/counted.h"
#include "tests/support/run_on_loop.h"
#include "worker/loop/completion.h"
#include "worker/loop/task_group.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using test::Counted;
using test::run_on_loop;

class AsyncTest : public testing::Test {
 protected:
  AsyncTest() { Counted::reset(); }
  ~AsyncTest() override { EXPECT_EQ(Counted::alive(), 0); }
  Loop loop;
};

Async<int> doubled(int value) {
  co_return 2 * value;
}

Async<int> plus_one(int value) {
  const int twice = co_await doubled(value);
  co_return twice + 1;
}

TEST_F(AsyncTest, GivesTheValueOfTheAwaitedCoroutine) {
  EXPECT_EQ(run_on_loop(loop, plus_one(20)), 41);
}

Async<std::unique_ptr<std::string>> made() {
  co_return std::make_unique<std::string>("moved");
}

TEST_F(AsyncTest, CarriesValuesThatCanOnlyBeMoved) {
  EXPECT_EQ(*run_on_loop(loop, made()), "moved");
}

Async<void> marks(bool* ran) {
  *ran = true;
  co_return;
}

TEST_F(AsyncTest, RunsNothingBeforeItIsAwaited) {
  bool ran = false;
  { Async<void> lazy = marks(&ran); }
  EXPECT_FALSE(ran);
  run_on_loop(loop, marks(&ran));
  EXPECT_TRUE(ran);
}

Async<long> sum_of(long count) {
  long sum = 0;
  for (long i = 0; i < count; ++i) sum += co_await doubled(1);
  co_return sum;
}

// Fails by overflowing the stack where a child is started by symmetric transfer.
TEST_F(AsyncTest, AwaitsAMillionCoroutinesThatEndAtOnceOnOneStack) {
  EXPECT_EQ(run_on_loop(loop, sum_of(1'000'000)), 2'000'000);
}

Async<int> fails(Counted) {
  throw Timeout("too late");
  co_return 0;
}
Async<int> passes_on(Counted argument) {
  co_return co_await fails(argument);
}

TEST_F(AsyncTest, ThrowsWhatTheCoroutineThrowsAndDestroysTheArgumentsOnce) {
  EXPECT_THROW(run_on_loop(loop, passes_on(Counted())), Timeout);
  EXPECT_GT(Counted::made, 0);
}

Async<int> counted_success(Counted argument) {
  Counted local = argument;
  co_return co_await doubled(1);
}

TEST_F(AsyncTest, DestroysArgumentsAndLocalsOnceOnSuccess) {
  EXPECT_EQ(run_on_loop(loop, counted_success(Counted())), 2);
  EXPECT_GT(Counted::made, 0);
}

Async<void> sleeps_with(Loop& loop, Counted argument) {
  Counted local = argument;
  co_await sleep_for(loop, 1h);
}

Async<void> cancels_after_a_turn(Loop& loop, TaskGroup& group) {
  co_await sleep_for(loop, 0ms);
  group.cancel_all();
  co_await group.join();
}

TEST_F(AsyncTest, DestroysArgumentsAndLocalsOnceWhenCancelled) {
  bool failed = false;
  TaskGroup group(loop, [&](std::exception_ptr) { failed = true; });
  group.spawn(sleeps_with(loop, Counted()));
  run_on_loop(loop, cancels_after_a_turn(loop, group));
  EXPECT_EQ(Counted::alive(), 0);
  EXPECT_FALSE(failed);
}

TEST_F(AsyncTest, DestroysWaitingFramesWithTheirGroup) {
  {
    TaskGroup group(loop, [](std::exception_ptr) {});
    group.spawn(sleeps_with(loop, Counted()));
    run_on_loop(loop, sleep_for(loop, 0ms));
    EXPECT_GT(Counted::alive(), 0);
  }
  EXPECT_EQ(Counted::alive(), 0);
}

// Interruptions.

Async<std::string> sleeps_twice(Loop& loop) {
  std::string seen;
  try {
    co_await sleep_for(loop, 1h);
  } catch (const SoftTimeLimitExceeded&) {
    seen = "limit, ";
  }
  co_await sleep_for(loop, 1ms);
  co_return seen + "slept on";
}

Async<std::string> interrupted_while_sleeping(Loop& loop) {
  Interruption interruption;
  Timer timer(loop,
              [&] { interruption.interrupt(std::make_exception_ptr(SoftTimeLimitExceeded())); });
  timer.start(1ms);
  co_return co_await under(interruption, sleeps_twice(loop));
}

TEST_F(AsyncTest, AnInterruptionIsThrownOnceByTheCurrentAwait) {
  EXPECT_EQ(run_on_loop(loop, interrupted_while_sleeping(loop)), "limit, slept on");
}

Async<std::string> interrupted_before_awaiting(Loop& loop) {
  Interruption interruption;
  interruption.interrupt(std::make_exception_ptr(SoftTimeLimitExceeded()));
  co_return co_await under(interruption, sleeps_twice(loop));
}

TEST_F(AsyncTest, AnInterruptionWaitsForTheNextAwait) {
  EXPECT_EQ(run_on_loop(loop, interrupted_before_awaiting(loop)), "limit, slept on");
}

Async<int> awaits_in_vain(Loop& loop) {
  int cancelled = 0;
  for (int i = 0; i < 3; ++i) {
    try {
      co_await sleep_for(loop, 1h);
    } catch (const Cancelled&) {
      ++cancelled;
    }
  }
  co_return cancelled;
}

Async<int> cancelled_while_sleeping(Loop& loop) {
  Interruption interruption;
  Timer timer(loop, [&] { interruption.cancel(); });
  timer.start(1ms);
  co_return co_await under(interruption, awaits_in_vain(loop));
}

TEST_F(AsyncTest, CancellationIsThrownByEveryAwait) {
  EXPECT_EQ(run_on_loop(loop, cancelled_while_sleeping(loop)), 3);
}

Async<void> awaits_ready_ones(bool* reached) {
  for (int i = 0; i < 10; ++i) co_await doubled(i);
  *reached = true;
}

Async<void> cancelled_before(bool* reached) {
  Interruption interruption;
  interruption.cancel();
  co_await under(interruption, awaits_ready_ones(reached));
}

TEST_F(AsyncTest, CancellationReachesAwaitsThatNeedNotWait) {
  bool reached = false;
  EXPECT_THROW(run_on_loop(loop, cancelled_before(&reached)), Cancelled);
  EXPECT_FALSE(reached);
}

Async<void> cleans_up(Loop& loop, bool* cleaned) {
  co_await sleep_for(loop, 1ms);
  *cleaned = true;
}

Async<void> cleans_up_at_the_end(Loop& loop, bool* cleaned) {
  bool cancelled = false;
  try {
    co_await sleep_for(loop, 1h);
  } catch (const Cancelled&) {
    cancelled = true;
  }
  if (cancelled) co_await shielded(cleans_up(loop, cleaned));
}

TEST_F(AsyncTest, WhatIsShieldedRunsToItsEndAlthoughCancelled) {
  bool cleaned = false;
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(cleans_up_at_the_end(loop, &cleaned));
  run_on_loop(loop, cancels_after_a_turn(loop, group));
  EXPECT_TRUE(cleaned);
}

Async<std::string> inner_of_two(Loop& loop) {
  Interruption inner;
  co_return co_await under(inner, sleeps_twice(loop));
}

Async<std::string> outer_of_two(Loop& loop) {
  Interruption outer;
  Timer timer(loop, [&] { outer.interrupt(std::make_exception_ptr(SoftTimeLimitExceeded())); });
  timer.start(1ms);
  co_return co_await under(outer, inner_of_two(loop));
}

TEST_F(AsyncTest, AnInterruptionFromOutsideReachesTheInnermostAwait) {
  EXPECT_EQ(run_on_loop(loop, outer_of_two(loop)), "limit, slept on");
}

// when_all.

Async<int> later(Loop& loop, Clock::duration delay, int value) {
  co_await sleep_for(loop, delay);
  co_return value;
}

Async<std::vector<int>> three(Loop& loop) {
  std::vector<Async<int>> parts;
  parts.push_back(later(loop, 3ms, 1));
  parts.push_back(doubled(1));
  parts.push_back(later(loop, 1ms, 3));
  co_return co_await when_all(std::move(parts));
}

TEST_F(AsyncTest, WhenAllKeepsTheOrderOfItsArguments) {
  EXPECT_EQ(run_on_loop(loop, three(loop)), (std::vector{1, 2, 3}));
}

Async<int> fails_later(Loop& loop) {
  co_await sleep_for(loop, 1ms);
  throw Timeout("one failed");
}

Async<void> one_of_two_fails(Loop& loop) {
  std::vector<Async<int>> parts;
  parts.push_back(later(loop, 1h, 1));
  parts.push_back(fails_later(loop));
  co_await when_all(std::move(parts));
}

TEST_F(AsyncTest, WhenAllCancelsTheOthersAtTheFirstFailure) {
  EXPECT_THROW(run_on_loop(loop, one_of_two_fails(loop)), Timeout);
}

Async<void> waits_for_two_sleepers(Loop& loop) {
  std::vector<Async<void>> parts;
  parts.push_back(sleeps_with(loop, Counted()));
  parts.push_back(sleeps_with(loop, Counted()));
  co_await when_all(std::move(parts));
}

TEST_F(AsyncTest, CancellationReachesAllPartsOfWhenAll) {
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(waits_for_two_sleepers(loop));
  run_on_loop(loop, cancels_after_a_turn(loop, group));
  EXPECT_TRUE(group.empty());
}

// Completions.

class CompletionTest : public AsyncTest {};

Async<std::string> awaits(Pending<std::string> pending) {
  co_return co_await std::move(pending);
}

TEST_F(CompletionTest, ACompletedOperationDoesNotSuspendItsWaiter) {
  Completion<std::string> completion(loop);
  Pending<std::string> pending = completion.pending();
  completion.complete("early");
  EXPECT_EQ(run_on_loop(loop, awaits(std::move(pending))), "early");
}

TEST_F(CompletionTest, TheWaiterResumesAfterTheCallbackThatCompletesIt) {
  Completion<std::string> completion(loop);
  Pending<std::string> pending = completion.pending();
  std::string order;
  auto waiter = [](Pending<std::string> awaited, std::string* log) -> Async<void> {
    *log += co_await std::move(awaited);
  };
  Timer timer(loop, [&] {
    completion.complete("waiter");
    order += "callback, ";
  });
  timer.start(1ms);
  run_on_loop(loop, waiter(std::move(pending), &order));
  EXPECT_EQ(order, "callback, waiter");
}

TEST_F(CompletionTest, TheFirstResultCounts) {
  Completion<std::string> completion(loop);
  Pending<std::string> pending = completion.pending();
  completion.complete("first");
  completion.complete("second");
  completion.fail(std::make_exception_ptr(Timeout("third")));
  EXPECT_EQ(run_on_loop(loop, awaits(std::move(pending))), "first");
}

TEST_F(CompletionTest, MovingEitherSideKeepsThemTogether) {
  std::vector<Completion<std::string>> operations;
  std::vector<Pending<std::string>> waiters;
  for (int i = 0; i < 10; ++i) {
    operations.emplace_back(loop);
    waiters.push_back(operations.back().pending());
  }
  for (int i = 0; i < 10; ++i) operations[static_cast<std::size_t>(i)].complete(std::to_string(i));
  EXPECT_EQ(run_on_loop(loop, awaits(std::move(waiters[7]))), "7");
}

TEST_F(CompletionTest, AnOperationThatIsDestroyedCancelsItsWaiter) {
  auto completion = std::make_unique<Completion<std::string>>(loop);
  Pending<std::string> pending = completion->pending();
  Timer timer(loop, [&] { completion.reset(); });
  timer.start(1ms);
  EXPECT_THROW(run_on_loop(loop, awaits(std::move(pending))), Cancelled);
}

Async<void> abandons(Loop& loop, Pending<std::string> pending) {
  Interruption interruption;
  Timer timer(loop, [&] { interruption.interrupt(std::make_exception_ptr(Timeout("late"))); });
  timer.start(1ms);
  co_await under(interruption, awaits(std::move(pending)));
}

TEST_F(CompletionTest, AnInterruptedWaiterAbandonsTheOperation) {
  Completion<std::string> completion(loop);
  bool abandoned = false;
  completion.on_abandoned([&] { abandoned = true; });
  EXPECT_THROW(run_on_loop(loop, abandons(loop, completion.pending())), Timeout);
  EXPECT_TRUE(abandoned);
  EXPECT_FALSE(completion.wanted());
  completion.complete("nobody listens");
}

TEST_F(CompletionTest, AResultBeforeTheInterruptionIsKeptAndTheNextAwaitThrows) {
  Completion<std::string> completion(loop);
  Interruption interruption;
  auto waiter = [](Loop& on, Pending<std::string> pending, std::string* seen) -> Async<void> {
    *seen = co_await std::move(pending);
    co_await sleep_for(on, 1h);
  };
  auto limited = [](Interruption& limit, Async<void> inner) -> Async<void> {
    co_await under(limit, std::move(inner));
  };
  Pending<std::string> pending = completion.pending();
  Timer timer(loop, [&] {
    completion.complete("result");
    interruption.interrupt(std::make_exception_ptr(Timeout("late")));
  });
  timer.start(1ms);
  std::string seen;
  EXPECT_THROW(run_on_loop(loop, limited(interruption, waiter(loop, std::move(pending), &seen))),
               Timeout);
  EXPECT_EQ(seen, "result");
}

}  // namespace
}  // namespace celeriac::worker
