// The basic properties of a message, to and from rabbitmq-c.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "protocol/message/properties.h"
#include "worker/broker/amqp/rabbitmq.h"
#include "worker/broker/amqp/table.h"

namespace celeriac::worker::amqp {

// An owning copy. Headers beyond the table limits are left out, and `malformed` says so.
struct DecodedProperties {
  protocol::Properties properties;
  std::string malformed;
};
DecodedProperties decode_properties(const amqp_basic_properties_t& properties);

// Properties that rabbitmq-c can send. Borrows from what it was made of, which must
// outlive it.
class PropertiesView {
 public:
  // Throws Error naming the property that AMQP cannot carry: a short string of more
  // than 255 bytes, or headers that TableView refuses. What is not refused here is
  // refused by the broker, and then costs the channel.
  explicit PropertiesView(const protocol::Properties& properties);

  const amqp_basic_properties_t& get() const { return properties_; }
  // Upper bound of the content header's payload.
  std::size_t encoded_size() const;

 private:
  void set_short_string(const std::string& value, const char* name, amqp_flags_t flag,
                        amqp_bytes_t& target);

  std::optional<TableView> headers_;
  amqp_basic_properties_t properties_{};
  std::size_t short_strings_ = 0;
};

}  // namespace celeriac::worker::amqp
