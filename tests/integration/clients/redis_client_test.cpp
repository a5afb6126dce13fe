// The Redis clients against a real Redis, whose URL is in CELERIAC_TEST_REDIS_URL.
#include "worker/clients/redis_client.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/run_on_loop.h"
#include "worker/clients/redis_subscriber.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using test::run_on_loop;
using Repeat = RedisClient::Repeat;

RedisAddress server() {
  const char* url = std::getenv("CELERIAC_TEST_REDIS_URL");
  if (!url) throw ConfigError("set CELERIAC_TEST_REDIS_URL, e.g. redis://127.0.0.1:6379/0");
  return parse_redis_url(url);
}

class RealRedis : public testing::Test {
 protected:
  RealRedis() { run("DEL", kKey); }

  template <class... Words>
  RedisReply run(Words... words) {
    return run_on_loop(loop, client.command(words...));
  }
  std::vector<RedisReply> transaction(std::vector<std::vector<std::string>> commands) {
    return run_on_loop(loop, client.transaction(std::move(commands)));
  }

  static constexpr const char* kKey = "celeriac-test:redis-client";
  Loop loop;
  HiredisClient client{loop, server(), {}};
};

TEST_F(RealRedis, StoresAndReadsBytes) {
  const std::string bytes("a\0\r\n\xff", 5);
  EXPECT_EQ(run("SET", kKey, bytes).string(), "OK");
  EXPECT_EQ(run("GET", kKey).string(), bytes);
  EXPECT_TRUE(run("GET", std::string(kKey) + ":none").is_nil());
}

TEST_F(RealRedis, ThrowsWhatRedisRefuses) {
  run("SET", kKey, "text");
  try {
    run("INCR", kKey);
    FAIL();
  } catch (const RedisError& error) {
    EXPECT_EQ(std::string(error.what()), "INCR: ERR value is not an integer or out of range");
  }
}

TEST_F(RealRedis, TransactionsGiveOneReplyForEachCommand) {
  const auto replies = transaction({{"SET", kKey, "5"}, {"INCR", kKey}, {"GET", kKey}});
  ASSERT_EQ(replies.size(), 3u);
  EXPECT_EQ(replies[1].integer(), 6);
  EXPECT_EQ(replies[2].string(), "6");
}

TEST_F(RealRedis, ATransactionWithAMistakeNamesItsCommand) {
  try {
    transaction({{"SET", kKey, "5"}, {"NOSUCH", kKey}});
    FAIL();
  } catch (const RedisError& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("NOSUCH: ERR unknown command"))
        << error.what();
  }
  EXPECT_TRUE(run("GET", kKey).is_nil());
  EXPECT_THROW(transaction({{"SET", kKey, "text"}, {"INCR", kKey}}), RedisError);
  EXPECT_EQ(run("GET", kKey).string(), "text");
}

TEST_F(RealRedis, ScriptsAreSentWhenRedisDoesNotKnowThem) {
  const std::string script =
      "return redis.call('INCRBY', KEYS[1], ARGV[1]) -- " + run("TIME").array().front().string();
  std::vector<std::string> keys{kKey}, arguments{"3"};
  EXPECT_EQ(run_on_loop(loop, client.eval(script, keys, arguments)).integer(), 3);
  EXPECT_EQ(run_on_loop(loop, client.eval(script, keys, arguments)).integer(), 6);
  run("SCRIPT", "FLUSH");
  EXPECT_EQ(run_on_loop(loop, client.eval(script, keys, arguments)).integer(), 9);
  EXPECT_THROW(run_on_loop(loop, client.eval("return nonsense(", keys, arguments)), RedisError);
}

Async<long> increments(RedisClient& client, std::string key, int count) {
  std::vector<Async<RedisReply>> all;
  for (int i = 0; i < count; ++i) all.push_back(client.command("INCR", key));
  const std::vector<RedisReply> replies = co_await when_all(std::move(all));
  for (std::size_t i = 0; i < replies.size(); ++i) {
    EXPECT_EQ(replies[i].integer(), static_cast<long>(i) + 1);
  }
  co_return replies.back().integer();
}

TEST_F(RealRedis, PipelinesInTheOrderOfTheAwaits) {
  EXPECT_EQ(run_on_loop(loop, increments(client, kKey, 5000)), 5000);
  EXPECT_EQ(client.connections(), 1u);
}

TEST_F(RealRedis, CarriesLargeValues) {
  const std::string large(20'000'000, 'z');
  run("SET", kKey, large);
  EXPECT_EQ(run("GET", kKey).string(), large);
}

// Redis itself ends the connection, as in a restart.
TEST_F(RealRedis, ReconnectsAfterRedisHasEndedTheConnection) {
  HiredisClient killer(loop, server(), {});
  for (int i = 0; i < 3; ++i) {
    const RedisReply id = run("CLIENT", "ID");
    run_on_loop(loop, killer.command("CLIENT", "KILL", "ID", id.integer()));
    run_on_loop(loop, client.command(Repeat::allowed, "SET", kKey, i));
    EXPECT_EQ(run("GET", kKey).string(), std::to_string(i));
  }
  EXPECT_EQ(client.connections(), 4u);
}

TEST_F(RealRedis, ACommandThatBlocksWhenTheConnectionEndsIsLost) {
  HiredisClient killer(loop, server(), {});
  const RedisReply id = run("CLIENT", "ID");
  auto kills = [](RedisClient& with, HiredisClient& victim, Loop& on, long number) -> Async<void> {
    while (victim.sent() == 0) co_await sleep_for(on, 1ms);
    co_await with.command("CLIENT", "KILL", "ID", number);
  };
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(kills(killer, client, loop, id.integer()));
  EXPECT_THROW(run("BLPOP", std::string(kKey) + ":none", 0), ConnectionLost);
  run_on_loop(loop, group.join());
}

Async<std::string> receives(RedisClient& client, RedisSubscription& subscription,
                            std::string channel) {
  co_await subscription.ready();
  co_await client.command("PUBLISH", channel, "first");
  co_await client.command("PUBLISH", channel, "second");
  const std::string first = co_await subscription.next();
  const std::string second = co_await subscription.next();
  co_return first + ", " + second;
}

TEST_F(RealRedis, SubscribersGetWhatIsPublished) {
  RedisSubscriber subscriber(loop, server(), {});
  for (int i = 0; i < 3; ++i) {  // subscribing again after the last one has left
    auto one = subscriber.subscribe(kKey);
    auto two = subscriber.subscribe(kKey);
    EXPECT_EQ(run_on_loop(loop, receives(client, *one, kKey)), "first, second");
    EXPECT_EQ(run_on_loop(loop, two->next()), "first");
  }
  run_on_loop(loop, sleep_for(loop, 0ms));
  const RedisReply listeners = run("PUBLISH", std::string(kKey) + ":other", "x");
  EXPECT_EQ(listeners.integer(), 0);
}

TEST_F(RealRedis, OneSubscriberServesManyChannels) {
  RedisSubscriber subscriber(loop, server(), {});
  std::vector<std::unique_ptr<RedisSubscription>> subscriptions;
  for (int i = 0; i < 200; ++i) {
    subscriptions.push_back(subscriber.subscribe(kKey + std::to_string(i)));
  }
  for (int i = 199; i >= 0; --i) {
    const std::string channel = kKey + std::to_string(i);
    auto& subscription = *subscriptions[static_cast<std::size_t>(i)];
    EXPECT_EQ(run_on_loop(loop, receives(client, subscription, channel)), "first, second");
  }
}

}  // namespace
}  // namespace celeriac::worker
