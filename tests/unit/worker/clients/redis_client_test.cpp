// Against a scripted Redis: what a real one does not do on demand. The rest is in
// tests/integration.
#include "worker/clients/redis_client.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "tests/support/run_on_loop.h"
#include "tests/support/scripted_server.h"
#include "worker/clients/redis_subscriber.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::run_on_loop;
using test::ScriptedServer;
using test::ServedConnection;
using Repeat = RedisClient::Repeat;

// Reads one command; its words joined by spaces, or "" when the client has gone.
std::string command(ServedConnection& connection) {
  const std::string head = connection.read_until("\r\n");
  if (head.empty()) return "";
  std::string words;
  for (int left = std::stoi(head.substr(1)); left > 0; --left) {
    const std::string size = connection.read_until("\r\n");
    if (size.empty()) return "";
    const std::string word = connection.read_exactly(std::stoul(size.substr(1)) + 2);
    words += (words.empty() ? "" : " ") + word.substr(0, word.size() - 2);
  }
  return words;
}

void greet(ServedConnection& connection) {
  EXPECT_EQ(command(connection), "PING");
  connection.write("+PONG\r\n");
}

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

RedisClientSettings quick() {
  RedisClientSettings settings;
  settings.first_delay = 1ms;
  settings.longest_delay = 4ms;
  return settings;
}

class RedisClientTest : public testing::Test {
 protected:
  static RedisAddress address(std::uint16_t port) {
    return parse_redis_url("redis://127.0.0.1:" + std::to_string(port));
  }
  // The text of the error that the coroutine ends with.
  template <class E, class T>
  std::string failure(Async<T> coroutine) {
    try {
      run_on_loop(loop, std::move(coroutine));
    } catch (const E& error) {
      return error.what();
    }
    return "no such error";
  }
  Loop loop;
};

TEST(RedisCommand, IsEncodedAsRespCountsItsBytes) {
  std::vector<std::string> words{"SET", "k\xc3\xa9", std::string("\0\r\n", 3), ""};
  EXPECT_EQ(encode_redis_command(words),
            "*4\r\n$3\r\nSET\r\n$3\r\nk\xc3\xa9\r\n$3\r\n\0\r\n\r\n$0\r\n\r\n"s);
}

TEST_F(RedisClientTest, UnderstandsEveryKindOfReply) {
  ScriptedServer server({[](ServedConnection& connection) {
    greet(connection);
    command(connection);
    connection.write("*5\r\n:-7\r\n$-1\r\n+OK\r\n$3\r\na\r\n\r\n*1\r\n:1\r\n");
    connection.wait_for_close();
  }});
  HiredisClient client(loop, address(server.port()), quick());
  const RedisReply reply = run_on_loop(loop, client.command("X"));
  const RedisReply::Array& items = reply.array();
  ASSERT_EQ(items.size(), 5u);
  EXPECT_EQ(items[0].integer(), -7);
  EXPECT_TRUE(items[1].is_nil());
  EXPECT_EQ(items[2], RedisReply(RedisReply::Status{"OK"}));
  EXPECT_EQ(items[3].string(), "a\r\n");
  EXPECT_EQ(items[4].array().front().integer(), 1);
  EXPECT_THROW(items[1].string(), RedisError);
}

TEST_F(RedisClientTest, LogsInAndSelectsBeforeAnyCommand) {
  std::vector<std::string> seen;
  ScriptedServer server({[&](ServedConnection& connection) {
    for (const char* answer : {"+OK\r\n", "+OK\r\n", "+PONG\r\n", "$1\r\nv\r\n"}) {
      seen.push_back(command(connection));
      connection.write(answer);
    }
    connection.wait_for_close();
  }});
  const std::string url = "redis://me:pw@127.0.0.1:" + std::to_string(server.port()) + "/3";
  HiredisClient client(loop, parse_redis_url(url), quick());
  EXPECT_EQ(run_on_loop(loop, client.command("GET", "k")).string(), "v");
  EXPECT_EQ(seen, (std::vector<std::string>{"AUTH me pw", "SELECT 3", "PING", "GET k"}));
}

TEST_F(RedisClientTest, ARefusedLoginFailsAtOnceWithoutThePassword) {
  ScriptedServer server({[](ServedConnection& connection) {
    command(connection);
    connection.write("-WRONGPASS invalid username-password pair\r\n");
    connection.wait_for_close();
  }});
  const std::string url = "redis://:hidden@127.0.0.1:" + std::to_string(server.port());
  HiredisClient client(loop, parse_redis_url(url), quick());
  const std::string text = failure<RedisError>(client.command("GET", "k"));
  EXPECT_NE(text.find("127.0.0.1:" + std::to_string(server.port())), std::string::npos) << text;
  EXPECT_NE(text.find("WRONGPASS"), std::string::npos) << text;
  EXPECT_EQ(text.find("hidden"), std::string::npos) << text;
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(RedisClientTest, WaitsForARedisThatIsLoading) {
  ScriptedServer server({[](ServedConnection& connection) {
                           command(connection);
                           connection.write("-LOADING Redis is loading the dataset in memory\r\n");
                           connection.wait_for_close();
                         },
                         [](ServedConnection& connection) {
                           greet(connection);
                           command(connection);
                           connection.write(":1\r\n");
                           connection.wait_for_close();
                         }});
  HiredisClient client(loop, address(server.port()), quick());
  EXPECT_EQ(run_on_loop(loop, client.command("INCR", "k")).integer(), 1);
}

TEST_F(RedisClientTest, WaitsForARedisThatStartsLater) {
  const std::uint16_t port = test::free_port();
  HiredisClient client(loop, address(port), quick());
  std::unique_ptr<ScriptedServer> server;
  Timer timer(loop, [&] {
    std::vector<ScriptedServer::Script> scripts{[](ServedConnection& connection) {
      greet(connection);
      command(connection);
      connection.write("+OK\r\n");
      connection.wait_for_close();
    }};
    server = std::make_unique<ScriptedServer>(std::move(scripts), port);
  });
  timer.start(10ms);
  EXPECT_EQ(run_on_loop(loop, client.command("SET", "k", "v")).string(), "OK");
}

TEST_F(RedisClientTest, ACommandThatWaitedInVainTimesOutAndNamesThePlaceAndCause) {
  const std::uint16_t port = test::free_port();
  RedisClientSettings settings = quick();
  settings.command_timeout = 20ms;
  HiredisClient client(loop, address(port), settings);
  const std::string text = failure<Timeout>(client.command("GET", "secret-key"));
  EXPECT_NE(text.find("redis://127.0.0.1:" + std::to_string(port)), std::string::npos) << text;
  EXPECT_NE(text.find("refused"), std::string::npos) << text;
  EXPECT_EQ(text.find("secret-key"), std::string::npos) << text;
  EXPECT_EQ(client.waiting(), 0u);
}

Async<void> asks(RedisClient& client) {
  co_await client.command("GET", "k");
}

TEST_F(RedisClientTest, RefusesMoreThanMayWait) {
  RedisClientSettings settings = quick();
  settings.max_waiting_commands = 2;
  HiredisClient client(loop, address(test::free_port()), settings);
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(asks(client));
  group.spawn(asks(client));
  run_on_loop(loop, sleep_for(loop, 1ms));
  EXPECT_EQ(client.waiting(), 2u);
  EXPECT_NE(failure<RedisError>(client.command("GET", "k")).find("wait for it already"),
            std::string::npos);
  EXPECT_EQ(client.waiting(), 2u);
}

TEST_F(RedisClientTest, AnAbandonedCommandDoesNotWaitForRedis) {
  HiredisClient client(loop, address(test::free_port()), quick());
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(asks(client));
  run_on_loop(loop, sleep_for(loop, 1ms));
  EXPECT_EQ(client.waiting(), 1u);
  group.cancel_all();
  run_on_loop(loop, group.join());
  EXPECT_EQ(client.waiting(), 0u);
}

// Breaks the first connection in the middle of a command, and serves on the second.
std::vector<ScriptedServer::Script> breaks_once(std::string* second_command) {
  return {[](ServedConnection& connection) {
            greet(connection);
            command(connection);
          },
          [second_command](ServedConnection& connection) {
            greet(connection);
            *second_command = command(connection);
            connection.write(":2\r\n");
            connection.wait_for_close();
          }};
}

TEST_F(RedisClientTest, ACommandThatWasSentFailsWithTheConnection) {
  std::string again;
  ScriptedServer server(breaks_once(&again));
  HiredisClient client(loop, address(server.port()), quick());
  const std::string text = failure<ConnectionLost>(client.command("INCR", "k"));
  EXPECT_NE(text.find("before INCR was answered"), std::string::npos) << text;
  EXPECT_EQ(run_on_loop(loop, client.command("DECR", "k")).integer(), 2);
  EXPECT_EQ(again, "DECR k");
}

TEST_F(RedisClientTest, ACommandThatMayBeRepeatedIsSentAgain) {
  std::string again;
  ScriptedServer server(breaks_once(&again));
  HiredisClient client(loop, address(server.port()), quick());
  EXPECT_EQ(run_on_loop(loop, client.command(Repeat::allowed, "SET", "k", 1)).integer(), 2);
  EXPECT_EQ(again, "SET k 1");
  EXPECT_EQ(client.connections(), 2u);
}

Async<void> sends_three(RedisClient& client, std::string* order) {
  auto noting = [](Async<RedisReply> reply, std::string* log, std::string name) -> Async<void> {
    try {
      co_await std::move(reply);
      *log += name + " ";
    } catch (const ConnectionLost&) {
      *log += "lost:" + name + " ";
    }
  };
  std::vector<Async<void>> all;
  all.push_back(noting(client.command(Repeat::allowed, "A"), order, "A"));
  all.push_back(noting(client.command("B"), order, "B"));
  all.push_back(noting(client.command(Repeat::allowed, "C"), order, "C"));
  co_await when_all(std::move(all));
}

TEST_F(RedisClientTest, RepeatedCommandsKeepTheirOrder) {
  std::vector<std::string> again;
  ScriptedServer server({[](ServedConnection& connection) {
                           greet(connection);
                           for (int i = 0; i < 3; ++i) command(connection);
                         },
                         [&](ServedConnection& connection) {
                           greet(connection);
                           for (int i = 0; i < 2; ++i) again.push_back(command(connection));
                           connection.write("+1\r\n+2\r\n");
                           connection.wait_for_close();
                         }});
  HiredisClient client(loop, address(server.port()), quick());
  std::string order;
  run_on_loop(loop, sends_three(client, &order));
  EXPECT_EQ(again, (std::vector<std::string>{"A", "C"}));
  EXPECT_EQ(order, "lost:B A C ");
}

TEST_F(RedisClientTest, AMissingAnswerTimesOutAndGivesTheConnectionUp) {
  std::string again;
  ScriptedServer server({[](ServedConnection& connection) {
                           greet(connection);
                           connection.wait_for_close();
                         },
                         [&](ServedConnection& connection) {
                           greet(connection);
                           again = command(connection);
                           connection.write("+OK\r\n");
                           connection.wait_for_close();
                         }});
  RedisClientSettings settings = quick();
  settings.command_timeout = 30ms;
  HiredisClient client(loop, address(server.port()), settings);
  EXPECT_NE(failure<Timeout>(client.command("GET", "k")).find("has not answered"),
            std::string::npos);
  EXPECT_FALSE(client.connected());
  EXPECT_EQ(run_on_loop(loop, client.command("SET", "k", "v")).string(), "OK");
  EXPECT_EQ(again, "SET k v");
}

TEST_F(RedisClientTest, ARedisThatDoesNotGreetIsGivenUp) {
  ScriptedServer server({[](ServedConnection& connection) { connection.wait_for_close(); },
                         [](ServedConnection& connection) {
                           greet(connection);
                           command(connection);
                           connection.write("+OK\r\n");
                           connection.wait_for_close();
                         }});
  RedisClientSettings settings = quick();
  settings.connect_timeout = 20ms;
  HiredisClient client(loop, address(server.port()), settings);
  EXPECT_EQ(run_on_loop(loop, client.command("SET", "k", "v")).string(), "OK");
}

TEST_F(RedisClientTest, AnswersThatAreNoRespEndTheConnection) {
  ScriptedServer server({[](ServedConnection& connection) {
    greet(connection);
    command(connection);
    connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.wait_for_close();
  }});
  HiredisClient client(loop, address(server.port()), quick());
  EXPECT_NE(failure<ConnectionLost>(client.command("GET", "k")), "no such error");
}

TEST_F(RedisClientTest, AResetConnectionIsALostOne) {
  ScriptedServer server({[](ServedConnection& connection) {
    greet(connection);
    command(connection);
    connection.reset_on_close();
  }});
  HiredisClient client(loop, address(server.port()), quick());
  EXPECT_NE(failure<ConnectionLost>(client.command("GET", "k")), "no such error");
}

TEST_F(RedisClientTest, AnAnswerThatNobodyWaitsForIsDropped) {
  std::atomic<bool> asked = false;
  ScriptedServer server({[&](ServedConnection& connection) {
    greet(connection);
    EXPECT_EQ(command(connection), "GET k");
    asked = true;
    EXPECT_EQ(command(connection), "GET other");
    connection.write("$5\r\nstale\r\n" + bulk("fresh"));
    connection.wait_for_close();
  }});
  HiredisClient client(loop, address(server.port()), quick());
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(asks(client));
  auto until = [](Loop& on, std::atomic<bool>* flag) -> Async<void> {
    while (!*flag) co_await sleep_for(on, 1ms);
  };
  run_on_loop(loop, until(loop, &asked));
  group.cancel_all();
  run_on_loop(loop, group.join());
  EXPECT_EQ(run_on_loop(loop, client.command("GET", "other")).string(), "fresh");
}

TEST_F(RedisClientTest, DestroyingTheClientCancelsItsWaiters) {
  ScriptedServer server({[](ServedConnection& connection) {
    greet(connection);
    connection.wait_for_close();
  }});
  auto client = std::make_unique<HiredisClient>(loop, address(server.port()), quick());
  bool cancelled = false;
  auto waits = [](RedisClient& redis, bool* ended) -> Async<void> {
    try {
      co_await redis.command("GET", "k");
    } catch (const Cancelled&) {
      *ended = true;
    }
  };
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(waits(*client, &cancelled));
  auto until_sent = [](Loop& on, HiredisClient& redis) -> Async<void> {
    while (redis.sent() == 0) co_await sleep_for(on, 1ms);
  };
  run_on_loop(loop, until_sent(loop, *client));
  client.reset();
  run_on_loop(loop, group.join());
  EXPECT_TRUE(cancelled);
}

// Subscriptions.

std::string subscribed(const std::string& channel) {
  return "*3\r\n" + bulk("subscribe") + bulk(channel) + ":1\r\n";
}
std::string message(const std::string& channel, const std::string& text) {
  return "*3\r\n" + bulk("message") + bulk(channel) + bulk(text);
}

Async<std::string> next_of(RedisSubscription& subscription) {
  co_await subscription.ready();
  co_return co_await subscription.next();
}

TEST_F(RedisClientTest, ASubscriptionToldOfALostConnectionRenewsItself) {
  ScriptedServer server({[](ServedConnection& connection) {
                           greet(connection);
                           command(connection);
                           connection.write(subscribed("c") + message("c", "one"));
                           command(connection);  // "UNSUBSCRIBE other"
                         },
                         [](ServedConnection& connection) {
                           greet(connection);
                           EXPECT_EQ(command(connection), "SUBSCRIBE c");
                           connection.write(subscribed("c") + message("c", "two"));
                           connection.wait_for_close();
                         }});
  RedisSubscriber subscriber(loop, address(server.port()), quick());
  auto subscription = subscriber.subscribe("c");
  EXPECT_EQ(run_on_loop(loop, next_of(*subscription)), "one");
  subscriber.subscribe("other");  // dropped at once; the server takes it as its cue
  EXPECT_NE(failure<ConnectionLost>(subscription->next()), "no such error");
  EXPECT_EQ(run_on_loop(loop, next_of(*subscription)), "two");
}

TEST_F(RedisClientTest, ASubscriptionThatRedisRefusesSaysSo) {
  ScriptedServer server({[](ServedConnection& connection) {
    command(connection);
    connection.write("-NOAUTH Authentication required.\r\n");
    connection.wait_for_close();
  }});
  RedisSubscriber subscriber(loop, address(server.port()), quick());
  auto subscription = subscriber.subscribe("c");
  EXPECT_NE(failure<RedisError>(subscription->ready()).find("NOAUTH"), std::string::npos);
}

}  // namespace
}  // namespace celeriac::worker
