// Gets a consuming connection ready, however long it takes.
#pragma once

#include <celeriac/error.h>

#include <chrono>
#include <cstddef>
#include <vector>

#include "worker/broker/amqp/connection.h"
#include "worker/broker/amqp/interrupter.h"
#include "worker/broker/broker.h"
#include "worker/broker/settings.h"

namespace celeriac::worker::amqp {

// Trying again would not help, or is not allowed. The text is for the log.
class Unrecoverable : public Error {
 public:
  using Error::Error;
};

struct ConnectPlan {
  enum class Phase { startup, reconnect } phase = Phase::startup;
  std::vector<ConsumerSpec> consumers;  // whose queues are declared
  // Declared behind them. What is refused is logged.
  protocol::Declarations delayed_delivery;
  std::chrono::milliseconds first_delay{0};
  std::size_t first_url = 0;  // index of the URL to begin with
};

struct Connected {
  Connection connection;  // logged in, channels open, queues declared
  std::size_t url;        // index
};

// Blocks and logs each attempt. Throws Unrecoverable, or Error when interrupted.
Connected connect_consuming(const ConnectPlan& plan, const BrokerSettings& settings,
                            Interrupter& interrupter);

// The brokers to consume from.
std::vector<std::string> consuming_urls(const BrokerSettings& settings);

}  // namespace celeriac::worker::amqp
