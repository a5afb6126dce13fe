// Puts deliveries together from frames (AMQP 0-9-1, 2.3.5):
//
//   delivery = basic.deliver content-header *content-body
//
// One assembler serves one channel; on a channel nothing comes between the frames of
// a delivery. Pure: frames in, deliveries out.
#pragma once

#include <cstddef>
#include <string>

#include "worker/broker/amqp/rabbitmq.h"
#include "worker/broker/broker.h"

namespace celeriac::worker::amqp {

// `delivery.ref` has channel and tag; what the consumer tag stands for (connection,
// queue) is for the caller to fill in.
struct AssembledDelivery {
  std::string consumer_tag;
  Delivery delivery;
};

class DeliveryAssembler {
 public:
  // The body of a larger delivery is skipped and its size reported.
  explicit DeliveryAssembler(std::size_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}

  // Takes a basic.deliver, a content header or a content body; the delivery with its
  // last frame, else null. It is the caller's to take until the next frame comes. Throws
  // ProtocolError for a frame out of turn.
  AssembledDelivery* feed(const amqp_frame_t& frame);

 private:
  enum class Expects { deliver, header, body };

  void begin(const amqp_frame_t& frame);
  AssembledDelivery* take_header(const amqp_frame_t& frame);
  AssembledDelivery* take_body(const amqp_frame_t& frame);
  AssembledDelivery* finish_if_complete();

  std::size_t max_body_bytes_;
  Expects expects_ = Expects::deliver;
  AssembledDelivery current_;
  std::uint64_t missing_ = 0;  // bytes of the body still to come
};

}  // namespace celeriac::worker::amqp
