// What an operator or a crash does to a broker. tests/interop/test_broker_control.py
// starts the broker for these and does as it is told.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <future>
#include <set>
#include <stdexcept>

#include "tests/integration/broker/broker_fixture.h"

namespace celeriac::test {
namespace {

using worker::BrokerSettings;
using worker::Delivery;
using worker::Verdict;

// Sends one line to whoever controls the broker; returns when it is done.
void command(const std::string& line) {
  const char* path = std::getenv("CELERIAC_TEST_BROKER_CONTROL");
  if (!path) {
    throw std::runtime_error(
        "CELERIAC_TEST_BROKER_CONTROL is not set; run pytest tests/interop/test_broker_control.py");
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string text = line + "\n";
    ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    char buffer[512];
    for (ssize_t size; (size = ::recv(socket, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(size));
    }
  }
  ::close(socket);
  if (answer != "done") throw std::runtime_error(line + ": " + answer);
}

class BrokerControl : public BrokerTest {
 protected:
  BrokerControl() : queue(unique_name("control")) {
    Rabbit rabbit;
    rabbit.declare(plain_queue(queue));
  }
  ~BrokerControl() override { Rabbit().delete_queue(queue); }

  void fill(int count) {
    Rabbit rabbit;
    protocol::Properties properties;
    properties.delivery_mode = 2;
    for (int i = 0; i < count; ++i) rabbit.publish(queue, std::to_string(i), properties);
    rabbit.flush();
  }

  // The loop goes on meanwhile.
  Async<void> order(std::string line) {
    std::future<void> done = std::async(std::launch::async, [line] { command(line); });
    co_await until([&] { return done.wait_for(0s) == std::future_status::ready; });
    done.get();
  }

  Async<void> is_restarted(std::size_t count) {
    broker->start(*this, {consumer_of(queue, 50)});
    co_await until([&] { return deliveries.size() == 50; });
    for (std::size_t i = 0; i < 20; ++i) broker->settle(deliveries[i].ref, Verdict::ack);
    co_await until([&] { return deliveries.size() == 70; });
    co_await order("stop");
    co_await until([&] { return losses.size() == 1; });
    // Tasks that end while the broker is away.
    for (std::size_t i = 20; i < 70; ++i) broker->settle(deliveries[i].ref, Verdict::ack);
    std::vector<Async<std::string>> both;
    both.push_back(error_of(task_to(queue, "published while away")));
    both.push_back(start_again());
    for (const std::string& error : co_await when_all(std::move(both))) EXPECT_EQ(error, "");

    std::set<std::string> seen;
    std::size_t read = 0;
    co_await until([&] {
      for (; read < deliveries.size(); ++read) {
        seen.insert(deliveries[read].body);
        broker->settle(deliveries[read].ref, Verdict::ack);
      }
      return seen.size() == count + 1;
    });
    co_await stop();
  }

  Async<std::string> start_again() {
    co_await order("start");
    co_await until([&] { return consuming == 2; });
    co_return "";
  }

  Async<void> is_closed_by_the_operator() {
    broker->start(*this, {consumer_of(queue)});
    co_await until([&] { return consuming == 1 && broker->status().publisher_connected; });
    co_await order("close connections");
    co_await until([&] { return consuming == 2; });
    EXPECT_EQ(co_await error_of(task_to(queue, "after")), "");
    co_await until([&] { return deliveries.size() == 1; });
    broker->settle(deliveries[0].ref, Verdict::ack);
    co_await stop();
  }

  Async<void> is_blocked() {
    broker->start(*this, {consumer_of(queue, 5)});
    co_await until([&] { return consuming == 1 && broker->status().publisher_connected; });
    co_await order("raise alarm");
    std::vector<Async<std::string>> both;
    both.push_back(error_of(task_to(queue, "waits")));
    both.push_back(consume_and_lower_the_alarm());
    for (const std::string& error : co_await when_all(std::move(both))) EXPECT_EQ(error, "");
    co_await stop();
  }

  Async<std::string> consume_and_lower_the_alarm() {
    co_await until([&] { return broker->status().publisher_blocked; });
    // Consuming and acknowledging go on.
    std::size_t read = 0;
    co_await until([&] {
      for (; read < deliveries.size(); ++read) broker->settle(deliveries[read].ref, Verdict::ack);
      return read == 20;
    });
    EXPECT_EQ(broker->status().outbox_messages, 1u);
    co_await order("lower alarm");
    co_await until([&] { return deliveries.size() == 21; });
    EXPECT_EQ(deliveries.back().body, "waits");
    EXPECT_FALSE(broker->status().publisher_blocked);
    broker->settle(deliveries.back().ref, Verdict::ack);
    co_return "";
  }

  Async<void> stops_while_blocked() {
    broker->start(*this, {});
    co_await until([&] { return broker->status().publisher_connected; });
    co_await order("raise alarm");
    std::vector<Async<std::string>> both;
    both.push_back(error_of(task_to(queue, "never sent")));
    both.push_back(stop_when_blocked());
    const std::vector<std::string> errors = co_await when_all(std::move(both));
    EXPECT_NE(errors[0].find("the worker stops"), std::string::npos) << errors[0];
    co_await order("lower alarm");
  }

  Async<std::string> stop_when_blocked() {
    co_await until([&] { return broker->status().publisher_blocked; });
    co_await broker->stop(200ms);
    co_return "";
  }

  const std::string queue;
};

TEST_F(BrokerControl, ARestartLosesNothingAndAcksNothingTwice) {
  constexpr std::size_t kCount = 300;
  fill(kCount);
  make_broker();
  run(is_restarted(kCount));
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_NE(losses[0].find("ConnectionForced(320"), std::string::npos) << losses[0];
  EXPECT_EQ(Rabbit().message_count(queue), 0u);
}

TEST_F(BrokerControl, AnOperatorsCloseIsALossLikeAnyOther) {
  make_broker();
  run(is_closed_by_the_operator());
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_NE(losses[0].find("ConnectionForced(320"), std::string::npos) << losses[0];
}

TEST_F(BrokerControl, AMemoryAlarmBlocksPublishingAndNothingElse) {
  fill(20);
  make_broker();
  run(is_blocked());
  EXPECT_TRUE(losses.empty());
  EXPECT_EQ(Rabbit().message_count(queue), 0u);
}

TEST_F(BrokerControl, StopsInTimeWhilePublishingIsBlocked) {
  make_broker();
  run(stops_while_blocked());
}

}  // namespace
}  // namespace celeriac::test
