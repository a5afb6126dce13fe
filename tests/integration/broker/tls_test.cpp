// Over TLS; tests/interop/test_broker_control.py makes the certificate.
#include <cstdlib>
#include <stdexcept>

#include "tests/integration/broker/broker_fixture.h"

namespace celeriac::test {
namespace {

using worker::BrokerSettings;
using worker::Verdict;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (!value) {
    throw std::runtime_error(std::string(name) +
                             " is not set; run pytest tests/interop/test_broker_control.py");
  }
  return value;
}

class BrokerTls : public BrokerTest {
 protected:
  BrokerTls() { settings.urls = {variable("CELERIAC_TEST_AMQPS_URL")}; }

  Async<void> sends_and_receives(std::string queue) {
    broker->start(*this, {consumer_of(queue)});
    co_await broker->publish(task_to(queue, std::string(500000, 'x')));
    for (int i = 0; i < 500; ++i) co_await broker->publish(task_to(queue, "x"));
    co_await until([&] { return deliveries.size() == 501; });
    co_await stop();
  }

  Async<void> gives_up() {
    broker->start(*this, {});
    co_await until([&] { return !unrecoverable.empty(); });
    co_await stop();
  }

  BrokerSettings settings;
};

TEST_F(BrokerTls, ConsumesAndPublishes) {
  const std::string queue = unique_name("tls");
  Rabbit rabbit;
  rabbit.declare(plain_queue(queue));
  settings.tls.ca_certs = variable("CELERIAC_TEST_CA");
  verdict = Verdict::ack;
  make_broker(settings);
  run(sends_and_receives(queue));
  EXPECT_TRUE(losses.empty());
  EXPECT_EQ(rabbit.message_count(queue), 0u);
}

TEST_F(BrokerTls, RefusesABrokerThatNobodyVouchesFor) {
  settings.connection_max_retries = 0;
  make_broker(settings);
  run(gives_up());
  EXPECT_NE(unrecoverable.at(0).find("TLS handshake"), std::string::npos) << unrecoverable.at(0);
}

TEST_F(BrokerTls, NamesAMissingCaFile) {
  settings.connection_max_retries = 0;
  settings.tls.ca_certs = "/no/such/ca.pem";
  make_broker(settings);
  run(gives_up());
  EXPECT_NE(unrecoverable.at(0).find("/no/such/ca.pem"), std::string::npos) << unrecoverable.at(0);
}

}  // namespace
}  // namespace celeriac::test
