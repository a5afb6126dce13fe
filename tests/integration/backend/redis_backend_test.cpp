// Waiting for a result in a real Redis, whose URL is in CELERIAC_TEST_REDIS_URL.
#include "worker/backend/redis_backend.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/run_on_loop.h"
#include "worker/clients/redis_client.h"
#include "worker/loop/deadline.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using test::run_on_loop;

ResultSettings settings() {
  ResultSettings results;
  const char* url = std::getenv("CELERIAC_TEST_REDIS_URL");
  if (!url) throw ConfigError("set CELERIAC_TEST_REDIS_URL, e.g. redis://127.0.0.1:6379/0");
  results.backend = url;
  return results;
}

StoredState state(std::string status, Json result) {
  StoredState stored;
  stored.document.task_id = "waited-for";
  stored.document.status = std::move(status);
  stored.document.result = std::move(result);
  return stored;
}

class RedisBackendTest : public testing::Test {
 protected:
  RedisBackendTest() { run("DEL", "celery-task-meta-waited-for"); }

  template <class... Words>
  RedisReply run(Words... words) {
    return run_on_loop(loop, client.command(words...));
  }
  void store(std::string status, Json result) {
    run_on_loop(loop, backend.store(state(std::move(status), std::move(result))));
  }
  std::int64_t listeners() {
    const RedisReply reply = run("PUBSUB", "NUMSUB", "celery-task-meta-waited-for");
    return reply.array()[1].integer();
  }
  // How often Redis was asked for a value since CONFIG RESETSTAT.
  std::string reads() {
    const std::string text = run("INFO", "commandstats").string();
    const std::size_t at = text.find("cmdstat_get:calls=");
    if (at == std::string::npos) return "0";
    const std::size_t number = at + std::string("cmdstat_get:calls=").size();
    return text.substr(number, text.find(',', number) - number);
  }

  Loop loop;
  HiredisClient client{loop, parse_redis_url(settings().backend), {}};
  RedisBackend backend{loop, client, settings()};
};

Async<Json> result_of(RedisBackend& backend) {
  const protocol::ResultDocument document = co_await backend.wait("waited-for");
  co_return Json::array({document.status, document.result});
}

// Waits; meanwhile `meanwhile` runs, as soon as the wait has begun to listen.
Async<Json> result_after(RedisClient& client, Loop& loop, RedisBackend& backend,
                         Async<void> meanwhile) {
  std::vector<Async<void>> both;
  Json result;
  auto keep = [](RedisBackend& from, Json* into) -> Async<void> {
    *into = co_await result_of(from);
  };
  auto listened_to = [](RedisClient& redis, Loop& on, Async<void> next) -> Async<void> {
    for (;;) {
      const RedisReply reply =
          co_await redis.command("PUBSUB", "NUMSUB", "celery-task-meta-waited-for");
      if (reply.array()[1].integer() == 1) break;
      co_await sleep_for(on, 1ms);
    }
    co_await std::move(next);
  };
  both.push_back(keep(backend, &result));
  both.push_back(listened_to(client, loop, std::move(meanwhile)));
  co_await when_all(std::move(both));
  co_return result;
}

Async<void> store_all(RedisBackend& backend, std::vector<StoredState> states) {
  for (StoredState& stored : states) co_await backend.store(std::move(stored));
}

TEST_F(RedisBackendTest, AResultThatIsThereIsNotWaitedFor) {
  store("SUCCESS", 5);
  EXPECT_EQ(run_on_loop(loop, result_of(backend)), Json::array({"SUCCESS", 5}));
}

TEST_F(RedisBackendTest, AResultIsToldByRedisAndNotAskedForAgain) {
  run("CONFIG", "RESETSTAT");
  std::vector<StoredState> states{state("STARTED", {}), state("PROGRESS", 1), state("RETRY", {}),
                                  state("FAILURE", "why")};
  Async<void> stored = store_all(backend, std::move(states));
  const Json result = run_on_loop(loop, result_after(client, loop, backend, std::move(stored)));
  EXPECT_EQ(result, Json::array({"FAILURE", "why"}));
  EXPECT_EQ(reads(), "1");
}

TEST_F(RedisBackendTest, WhoNoLongerWaitsDoesNotListen) {
  Async<Json> waited =
      with_deadline(loop, loop.now() + 50ms, "out of patience", result_of(backend));
  EXPECT_THROW(run_on_loop(loop, std::move(waited)), Timeout);
  while (listeners() != 0) {  // the farewell is sent, and not waited for
  }
}

// What was published while nobody listened is stored, too.
Async<void> lose_the_listener(RedisClient& client, Loop& loop) {
  co_await client.command("CLIENT", "KILL", "TYPE", "pubsub");
  const std::string text = R"({"status": "SUCCESS", "result": 7, "task_id": "waited-for"})";
  co_await client.command("SET", "celery-task-meta-waited-for", text);
  co_await sleep_for(loop, 0ms);
}

TEST_F(RedisBackendTest, AResultIsNotMissedWhileTheConnectionIsAway) {
  Async<void> lost = lose_the_listener(client, loop);
  const Json result = run_on_loop(loop, result_after(client, loop, backend, std::move(lost)));
  EXPECT_EQ(result, Json::array({"SUCCESS", 7}));
}

}  // namespace
}  // namespace celeriac::worker
