// What is logged of messages that cannot be run (Celery 5.x, worker/consumer/consumer.py).
//
// Celery spreads each of these over several lines; here it is one, so that a search for the id or
// the queue finds the cause too. Its first words are Celery's.
#pragma once

#include <string>
#include <string_view>

#include "protocol/message/properties.h"

namespace celeriac::worker {

struct RefusedMessage {
  std::string_view id;  // empty: as the headers have it
  const protocol::Properties& properties;
  const protocol::DeliveryInfo& info;
  std::string_view body;
};

std::string undecodable_text(std::string_view reason, const RefusedMessage& message);
std::string unknown_text(const RefusedMessage& message);
std::string unregistered_text(std::string_view task, const RefusedMessage& message);
std::string invalid_text(std::string_view reason, const RefusedMessage& message);

}  // namespace celeriac::worker
