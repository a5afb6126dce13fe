#include "worker/broker/amqp/properties.h"

#include <celeriac/error.h>

namespace celeriac::worker::amqp {

DecodedProperties decode_properties(const amqp_basic_properties_t& from) {
  DecodedProperties decoded;
  protocol::Properties& to = decoded.properties;
  const auto has = [&](amqp_flags_t flag) { return (from._flags & flag) != 0; };
  const auto text = [&](amqp_flags_t flag, amqp_bytes_t value) {
    return has(flag) ? string_of(value) : std::string();
  };

  to.content_type = text(AMQP_BASIC_CONTENT_TYPE_FLAG, from.content_type);
  to.content_encoding = text(AMQP_BASIC_CONTENT_ENCODING_FLAG, from.content_encoding);
  to.correlation_id = text(AMQP_BASIC_CORRELATION_ID_FLAG, from.correlation_id);
  to.reply_to = text(AMQP_BASIC_REPLY_TO_FLAG, from.reply_to);
  to.expiration = text(AMQP_BASIC_EXPIRATION_FLAG, from.expiration);
  to.message_id = text(AMQP_BASIC_MESSAGE_ID_FLAG, from.message_id);
  to.type = text(AMQP_BASIC_TYPE_FLAG, from.type);
  to.user_id = text(AMQP_BASIC_USER_ID_FLAG, from.user_id);
  to.app_id = text(AMQP_BASIC_APP_ID_FLAG, from.app_id);
  to.cluster_id = text(AMQP_BASIC_CLUSTER_ID_FLAG, from.cluster_id);
  if (has(AMQP_BASIC_DELIVERY_MODE_FLAG)) to.delivery_mode = from.delivery_mode;
  if (has(AMQP_BASIC_PRIORITY_FLAG)) to.priority = from.priority;
  if (has(AMQP_BASIC_TIMESTAMP_FLAG)) to.timestamp = from.timestamp;
  if (has(AMQP_BASIC_HEADERS_FLAG)) {
    if (auto headers = decode_table(from.headers)) {
      to.headers = std::move(*headers);
    } else {
      decoded.malformed = "the headers are nested too deep or too many";
    }
  }
  return decoded;
}

PropertiesView::PropertiesView(const protocol::Properties& from) {
  amqp_basic_properties_t& to = properties_;
  set_short_string(from.content_type, "content_type", AMQP_BASIC_CONTENT_TYPE_FLAG,
                   to.content_type);
  set_short_string(from.content_encoding, "content_encoding", AMQP_BASIC_CONTENT_ENCODING_FLAG,
                   to.content_encoding);
  set_short_string(from.correlation_id, "correlation_id", AMQP_BASIC_CORRELATION_ID_FLAG,
                   to.correlation_id);
  set_short_string(from.reply_to, "reply_to", AMQP_BASIC_REPLY_TO_FLAG, to.reply_to);
  set_short_string(from.expiration, "expiration", AMQP_BASIC_EXPIRATION_FLAG, to.expiration);
  set_short_string(from.message_id, "message_id", AMQP_BASIC_MESSAGE_ID_FLAG, to.message_id);
  set_short_string(from.type, "type", AMQP_BASIC_TYPE_FLAG, to.type);
  set_short_string(from.user_id, "user_id", AMQP_BASIC_USER_ID_FLAG, to.user_id);
  set_short_string(from.app_id, "app_id", AMQP_BASIC_APP_ID_FLAG, to.app_id);
  set_short_string(from.cluster_id, "cluster_id", AMQP_BASIC_CLUSTER_ID_FLAG, to.cluster_id);
  if (from.delivery_mode) {
    to.delivery_mode = *from.delivery_mode;
    to._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
  }
  if (from.priority) {
    to.priority = *from.priority;
    to._flags |= AMQP_BASIC_PRIORITY_FLAG;
  }
  if (from.timestamp) {
    to.timestamp = *from.timestamp;
    to._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
  }
  headers_.emplace(from.headers);
  to.headers = headers_->get();
  to._flags |= AMQP_BASIC_HEADERS_FLAG;
}

std::size_t PropertiesView::encoded_size() const {
  constexpr std::size_t kFixed = 2 + 2 + 8 + 2 + 1 + 1 + 8;  // class, weight, size, flags, numbers
  return kFixed + short_strings_ + headers_->encoded_size();
}

void PropertiesView::set_short_string(const std::string& value, const char* name, amqp_flags_t flag,
                                      amqp_bytes_t& target) {
  if (value.empty()) return;
  if (value.size() > 255) {
    throw Error(std::string("the AMQP property ") + name + " has " + std::to_string(value.size()) +
                " bytes; AMQP allows 255");
  }
  target = bytes_view(value);
  properties_._flags |= flag;
  short_strings_ += 1 + value.size();
}

}  // namespace celeriac::worker::amqp
