// A RabbitMQ broker. Nothing of rabbitmq-c is visible here.
#pragma once

#include <memory>

#include "worker/broker/broker.h"
#include "worker/broker/settings.h"
#include "worker/loop/loop.h"

namespace celeriac::worker {

// The loop must outlive it. Throws ConfigError for settings that cannot be honoured.
std::unique_ptr<Broker> make_amqp_broker(Loop& loop, BrokerSettings settings);

}  // namespace celeriac::worker
