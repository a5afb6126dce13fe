#include "worker/loop/thread_pool.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/run_on_loop.h"
#include "worker/loop/task_group.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using test::run_on_loop;

template <class T>
Async<T> awaits(Pending<T> pending) {
  co_return co_await std::move(pending);
}

class ThreadPoolTest : public testing::Test {
 protected:
  template <class F>
  auto run(ThreadPool& pool, F function) {
    return run_on_loop(loop, awaits(pool.run(function)));
  }
  Loop loop;
};

TEST_F(ThreadPoolTest, RunsOnAnotherThreadAndResumesOnTheLoop) {
  ThreadPool pool(loop, 2);
  const auto job_thread = run(pool, [] { return std::this_thread::get_id(); });
  EXPECT_NE(job_thread, std::this_thread::get_id());
}

TEST_F(ThreadPoolTest, CarriesExceptions) {
  ThreadPool pool(loop, 1);
  EXPECT_THROW(run(pool, [] { throw Timeout("slow disk"); }), Timeout);
}

TEST_F(ThreadPoolTest, StartsNoMoreThreadsThanThereIsWork) {
  ThreadPool pool(loop, 8);
  std::set<std::thread::id> threads;
  for (int i = 0; i < 5; ++i) threads.insert(run(pool, [] { return std::this_thread::get_id(); }));
  EXPECT_LE(threads.size(), 2u);  // the first may not be idle yet when the second comes
}

Async<void> runs_all(ThreadPool& pool, std::vector<int>* results, int count) {
  std::vector<Async<int>> waiting;
  for (int i = 0; i < count; ++i) {
    auto job = [i] { return i * i; };
    waiting.push_back(awaits(pool.run(job)));
  }
  *results = co_await when_all(std::move(waiting));
}

TEST_F(ThreadPoolTest, RunsManyJobsOnFewThreads) {
  ThreadPool pool(loop, 3);
  std::vector<int> results;
  run_on_loop(loop, runs_all(pool, &results, 500));
  ASSERT_EQ(results.size(), 500u);
  EXPECT_EQ(results[499], 499 * 499);
}

// Blocks a pool's threads until it is opened.
class Gate {
 public:
  auto job() {
    return [this] {
      ++entered_;
      opened_.wait();
    };
  }
  int entered() const { return entered_; }
  void open() { open_.set_value(); }

 private:
  std::promise<void> open_;
  std::shared_future<void> opened_{open_.get_future()};
  std::atomic<int> entered_ = 0;
};

Async<void> until_entered(Loop& loop, const Gate& gate, int count) {
  while (gate.entered() < count) co_await sleep_for(loop, 1ms);
}

TEST_F(ThreadPoolTest, AnAbandonedJobThatHasNotBegunNeverRuns) {
  ThreadPool pool(loop, 1);
  Gate gate;
  Pending<void> busy = pool.run(gate.job());
  run_on_loop(loop, until_entered(loop, gate, 1));
  std::atomic<bool> ran = false;
  auto owned = std::make_shared<int>(1);
  {
    auto job = [&ran, owned] { ran = true; };
    Pending<void> abandoned = pool.run(job);
    EXPECT_EQ(pool.queued(), 1u);
  }
  EXPECT_EQ(pool.queued(), 0u);
  EXPECT_EQ(owned.use_count(), 1);
  gate.open();
  run_on_loop(loop, awaits(std::move(busy)));
  EXPECT_FALSE(ran);
}

TEST_F(ThreadPoolTest, AnAbandonedJobThatRunsEndsUnheard) {
  ThreadPool pool(loop, 1);
  Gate gate;
  {
    Pending<void> abandoned = pool.run(gate.job());
    run_on_loop(loop, until_entered(loop, gate, 1));
  }
  gate.open();
  EXPECT_EQ(run(pool, [] { return 7; }), 7);
}

TEST_F(ThreadPoolTest, DestroyingItCancelsWhatHasNotBegunAndFinishesWhatHas) {
  auto pool = std::make_unique<ThreadPool>(loop, 1);
  Gate gate;
  Pending<void> running = pool->run(gate.job());
  run_on_loop(loop, until_entered(loop, gate, 1));
  // The running job goes on only once the queued one has been dropped.
  std::shared_ptr<Gate> opens_when_dropped(&gate, [](Gate* closed) { closed->open(); });
  MoveOnlyFunction<void()> job = [kept = std::move(opens_when_dropped)] {
    ADD_FAILURE() << "it ran";
  };
  Pending<void> queued = pool->run(std::move(job));
  pool.reset();
  EXPECT_NO_THROW(run_on_loop(loop, awaits(std::move(running))));
  EXPECT_THROW(run_on_loop(loop, awaits(std::move(queued))), Cancelled);
}

TEST_F(ThreadPoolTest, GrowsAndShrinks) {
  ThreadPool pool(loop, 1);
  Gate gate;
  std::vector<Pending<void>> jobs;
  for (int i = 0; i < 3; ++i) jobs.push_back(pool.run(gate.job()));
  run_on_loop(loop, until_entered(loop, gate, 1));
  EXPECT_EQ(pool.running(), 1u);
  pool.resize(3);
  run_on_loop(loop, until_entered(loop, gate, 3));
  EXPECT_EQ(pool.running(), 3u);
  pool.resize(1);
  gate.open();
  for (Pending<void>& job : jobs) run_on_loop(loop, awaits(std::move(job)));
  std::set<std::thread::id> threads;
  for (int i = 0; i < 20; ++i) threads.insert(run(pool, [] { return std::this_thread::get_id(); }));
  EXPECT_LE(threads.size(), 2u);
}

TEST_F(ThreadPoolTest, TakesAJobThatCanOnlyBeMoved) {
  ThreadPool pool(loop, 1);
  auto owned = std::make_unique<int>(41);
  MoveOnlyFunction<int()> job = [number = std::move(owned)] { return *number + 1; };
  Pending<int> pending = pool.run(std::move(job));
  EXPECT_EQ(run_on_loop(loop, awaits(std::move(pending))), 42);
}

}  // namespace
}  // namespace celeriac::worker
