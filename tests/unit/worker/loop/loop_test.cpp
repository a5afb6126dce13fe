#include "worker/loop/loop.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "tests/support/run_on_loop.h"
#include "worker/loop/completion.h"
#include "worker/loop/deadline.h"
#include "worker/loop/poll.h"
#include "worker/loop/resolver.h"
#include "worker/loop/signals.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using test::run_on_loop;

TEST(Loop, RunsWhatThreadsPostInTheOrderOfEachThread) {
  Loop loop;
  constexpr int kThreads = 4, kPosts = 5000;
  std::vector<int> next(kThreads, 0);
  int arrived = 0;
  bool in_order = true;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kPosts; ++i) {
        loop.post([&, thread, i] {
          in_order = in_order && next[static_cast<std::size_t>(thread)]++ == i;
          if (++arrived == kThreads * kPosts) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(arrived, kThreads * kPosts);
  EXPECT_TRUE(in_order);
}

TEST(Loop, DestroysWhatIsPostedTooLate) {
  auto owned = std::make_shared<int>(1);
  {
    Loop loop;
    loop.post([owned] { FAIL() << "it ran"; });
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Loop, RunsTheEndOfTurnOnceAfterAllThatIsReady) {
  Loop loop;
  std::string order;
  auto worker = [](Loop& on, std::string* log, std::string name) -> Async<void> {
    *log += name;
    on.at_turn_end([log, name] { *log += "(" + name + ")"; });
    co_return;
  };
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(worker(loop, &order, "a"));
  group.spawn(worker(loop, &order, "b"));
  run_on_loop(loop, sleep_for(loop, 2ms));
  EXPECT_EQ(order, "ab(a)(b)");
}

// Makes itself ready again and again.
Async<void> spins(Loop& loop, const bool* enough) {
  while (!*enough) {
    Completion<void> done(loop);
    Pending<void> pending = done.pending();
    loop.at_turn_end([] {});
    std::vector<Completion<void>> owner;
    owner.push_back(std::move(done));
    TaskGroup group(loop, [](std::exception_ptr) {});
    auto completes = [](Completion<void>* completed) -> Async<void> {
      completed->complete();
      co_return;
    };
    group.spawn(completes(&owner.front()));
    co_await std::move(pending);
    co_await group.join();
  }
}

TEST(Loop, TimersFireAlthoughSomethingIsAlwaysReady) {
  Loop loop;
  bool enough = false;
  Timer timer(loop, [&] { enough = true; });
  timer.start(5ms);
  run_on_loop(loop, spins(loop, &enough));
  EXPECT_TRUE(enough);
}

TEST(Loop, RunsAgainAfterAStop) {
  Loop loop;
  int runs = 0;
  for (int i = 0; i < 3; ++i) {
    loop.post([&] {
      ++runs;
      loop.stop();
    });
    loop.run();
  }
  EXPECT_EQ(runs, 3);
}

TEST(Timer, IsNeverEarly) {
  Loop loop;
  for (auto delay : {1ms, 2ms, 7ms}) {
    const auto start = loop.now();
    run_on_loop(loop, sleep_for(loop, delay));
    EXPECT_GE(loop.now() - start, delay);
  }
}

TEST(Timer, RepeatsUntilItIsStopped) {
  Loop loop;
  int times = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    if (++times == 3) {
      timer->stop();
      loop.stop();
    }
  });
  timer->start_repeating(1ms);
  loop.run();
  EXPECT_EQ(times, 3);
}

TEST(Timer, MayBeDestroyedByItsOwnFunction) {
  Loop loop;
  std::unique_ptr<Timer> timer;
  std::string owned_by_the_function = "long enough to live on the heap, and not in the object";
  std::string seen;
  timer = std::make_unique<Timer>(loop, [&, owned_by_the_function] {
    timer.reset();
    seen = owned_by_the_function;
    loop.stop();
  });
  timer->start(1ms);
  loop.run();
  EXPECT_EQ(seen, owned_by_the_function);
}

TEST(Timer, ADestroyedTimerDoesNotFire) {
  Loop loop;
  bool fired = false;
  {
    Timer timer(loop, [&] { fired = true; });
    timer.start(1ms);
  }
  run_on_loop(loop, sleep_for(loop, 5ms));
  EXPECT_FALSE(fired);
}

Async<void> limited_sleep(Loop& loop) {
  co_await with_deadline(loop, loop.now() + 1ms, "the nap took too long", sleep_for(loop, 1h));
}

TEST(Deadline, InterruptsWithATimeoutThatSaysWhat) {
  Loop loop;
  try {
    run_on_loop(loop, limited_sleep(loop));
    FAIL();
  } catch (const Timeout& error) {
    EXPECT_STREQ(error.what(), "the nap took too long");
  }
}

class PollTest : public testing::Test {
 protected:
  PollTest() { socketpair(AF_UNIX, SOCK_STREAM, 0, ends); }
  ~PollTest() override {
    for (int end : ends) close(end);
  }
  int ends[2];
  Loop loop;
};

TEST_F(PollTest, TellsWhenBytesHaveCome) {
  std::unique_ptr<Poll> poll;
  char byte = 0;
  poll = std::make_unique<Poll>(loop, ends[0], [&](Poll::Events events) {
    EXPECT_TRUE(events.readable);
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    poll.reset();  // inside its own function
    loop.stop();
  });
  poll->watch({.read = true, .write = false});
  loop.post([&] { EXPECT_EQ(write(ends[1], "x", 1), 1); });
  loop.run();
  EXPECT_EQ(byte, 'x');
}

TEST_F(PollTest, StopsTellingWhenNothingIsOfInterest) {
  int calls = 0;
  Poll poll(loop, ends[0], [&](Poll::Events events) {
    EXPECT_TRUE(events.writable);
    ++calls;
    poll.watch({});
  });
  poll.watch({.read = false, .write = true});
  run_on_loop(loop, sleep_for(loop, 5ms));
  EXPECT_EQ(calls, 1);
}

TEST(Signal, ArrivesOnTheLoop) {
  Loop loop;
  int arrived = 0;
  Signal signal(loop, SIGUSR1, [&](int number) {
    arrived = number;
    loop.stop();
  });
  loop.post([] { raise(SIGUSR1); });
  loop.run();
  EXPECT_EQ(arrived, SIGUSR1);
}

TEST(Resolver, KeepsNumericAddresses) {
  Loop loop;
  EXPECT_EQ(run_on_loop(loop, resolve(loop, "192.0.2.7")), std::vector<std::string>{"192.0.2.7"});
  EXPECT_EQ(run_on_loop(loop, resolve(loop, "::1")), std::vector<std::string>{"::1"});
}

TEST(Resolver, FindsLocalhost) {
  Loop loop;
  for (const std::string& address : run_on_loop(loop, resolve(loop, "localhost"))) {
    EXPECT_TRUE(address == "127.0.0.1" || address == "::1") << address;
  }
}

TEST(Resolver, NamesTheHostThatCannotBeResolved) {
  Loop loop;
  try {
    run_on_loop(loop, resolve(loop, "no-such-host.invalid"));
    FAIL();
  } catch (const ConnectionLost& error) {
    EXPECT_NE(std::string(error.what()).find("no-such-host.invalid"), std::string::npos);
  }
}

TEST(Resolver, MayBeAbandoned) {
  Loop loop;
  TaskGroup group(loop, [](std::exception_ptr) {});
  auto waits = [](Loop& on) -> Async<void> { co_await resolve(on, "localhost"); };
  group.spawn(waits(loop));
  loop.stop();
  loop.run();  // one turn: the lookup has begun
}

}  // namespace
}  // namespace celeriac::worker
