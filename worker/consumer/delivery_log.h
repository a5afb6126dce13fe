// What is logged of messages that cannot be run (Celery 5.x, worker/consumer/consumer.py).
#pragma once

#include <string>
#include <string_view>

#include "protocol/message/properties.h"

namespace celeriac::worker {

// Each with the message's id, queue and the start of its body.
std::string undecodable_text(std::string_view reason, const protocol::Properties& properties,
                             const protocol::DeliveryInfo& info, std::string_view body);
std::string unknown_text(const protocol::Properties& properties, const protocol::DeliveryInfo& info,
                         std::string_view body);
std::string unregistered_text(std::string_view task, const protocol::Properties& properties,
                              const protocol::DeliveryInfo& info, std::string_view body);
std::string invalid_text(std::string_view reason, const protocol::Properties& properties,
                         const protocol::DeliveryInfo& info, std::string_view body);

}  // namespace celeriac::worker
