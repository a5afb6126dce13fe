#include "worker/broker/amqp/delivery_assembler.h"

#include <celeriac/error.h>

#include <utility>

#include "worker/broker/amqp/properties.h"

namespace celeriac::worker::amqp {

AssembledDelivery* DeliveryAssembler::feed(const amqp_frame_t& frame) {
  switch (frame.frame_type) {
    case AMQP_FRAME_METHOD:
      begin(frame);
      return nullptr;
    case AMQP_FRAME_HEADER:
      return take_header(frame);
    default:
      return take_body(frame);
  }
}

void DeliveryAssembler::begin(const amqp_frame_t& frame) {
  if (expects_ != Expects::deliver) {
    throw ProtocolError("the broker sent a method where the content of a delivery was due");
  }
  const auto& deliver = *static_cast<const amqp_basic_deliver_t*>(frame.payload.method.decoded);
  current_ = {};
  current_.consumer_tag = string_of(deliver.consumer_tag);
  Delivery& delivery = current_.delivery;
  delivery.ref.channel = frame.channel;
  delivery.ref.tag = deliver.delivery_tag;
  delivery.info.exchange = string_of(deliver.exchange);
  delivery.info.routing_key = string_of(deliver.routing_key);
  delivery.info.redelivered = deliver.redelivered != 0;
  expects_ = Expects::header;
}

AssembledDelivery* DeliveryAssembler::take_header(const amqp_frame_t& frame) {
  if (expects_ != Expects::header) {
    throw ProtocolError("the broker sent a content header without a basic.deliver");
  }
  const auto& header = frame.payload.properties;
  DecodedProperties decoded =
      decode_properties(*static_cast<const amqp_basic_properties_t*>(header.decoded));
  Delivery& delivery = current_.delivery;
  delivery.properties = std::move(decoded.properties);
  delivery.malformed = std::move(decoded.malformed);
  missing_ = header.body_size;
  if (header.body_size > max_body_bytes_) {
    delivery.oversized = header.body_size;
  } else {
    delivery.body.reserve(static_cast<std::size_t>(header.body_size));
  }
  expects_ = Expects::body;
  return finish_if_complete();
}

AssembledDelivery* DeliveryAssembler::take_body(const amqp_frame_t& frame) {
  const std::string_view fragment = string_view_of(frame.payload.body_fragment);
  if (expects_ != Expects::body || fragment.size() > missing_) {
    throw ProtocolError("the broker sent more content than the header of the delivery announced");
  }
  missing_ -= fragment.size();
  if (current_.delivery.oversized == 0) current_.delivery.body.append(fragment);
  return finish_if_complete();
}

AssembledDelivery* DeliveryAssembler::finish_if_complete() {
  if (missing_ > 0) return nullptr;
  expects_ = Expects::deliver;
  return &current_;
}

}  // namespace celeriac::worker::amqp
