#include "worker/broker/amqp/delivery_assembler.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <deque>
#include <list>
#include <vector>

namespace celeriac::worker::amqp {
namespace {

// Frames as rabbitmq-c decodes them; what they point to lives as long as this.
class Frames {
 public:
  amqp_frame_t deliver(std::uint64_t tag) {
    amqp_basic_deliver_t& deliver = delivers_.emplace_back();
    deliver = {amqp_cstring_bytes("consumer"), tag, 1, amqp_cstring_bytes("exchange"),
               amqp_cstring_bytes("key")};
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_METHOD;
    frame.channel = 1;
    frame.payload.method = {AMQP_BASIC_DELIVER_METHOD, &deliver};
    return frame;
  }

  amqp_frame_t header(std::uint64_t body_size) {
    amqp_basic_properties_t& properties = properties_.emplace_back();
    properties = {};
    properties._flags = AMQP_BASIC_CORRELATION_ID_FLAG;
    properties.correlation_id = amqp_cstring_bytes("id");
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_HEADER;
    frame.channel = 1;
    frame.payload.properties.class_id = AMQP_BASIC_CLASS;
    frame.payload.properties.body_size = body_size;
    frame.payload.properties.decoded = &properties;
    return frame;
  }

  amqp_frame_t body(std::string fragment) {
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_BODY;
    frame.channel = 1;
    frame.payload.body_fragment = bytes_view(bodies_.emplace_back(std::move(fragment)));
    return frame;
  }

 private:
  std::list<amqp_basic_deliver_t> delivers_;
  std::list<amqp_basic_properties_t> properties_;
  std::list<std::string> bodies_;
};

TEST(DeliveryAssembler, PutsABodyTogetherHoweverItIsSplit) {
  const std::string body = "a task message";
  for (std::size_t size = 1; size <= body.size(); ++size) {
    Frames frames;
    DeliveryAssembler assembler(1000);
    ASSERT_FALSE(assembler.feed(frames.deliver(7)));
    ASSERT_FALSE(assembler.feed(frames.header(body.size())));
    const AssembledDelivery* done = nullptr;
    for (std::size_t at = 0; at < body.size(); at += size) {
      ASSERT_FALSE(done);
      done = assembler.feed(frames.body(body.substr(at, size)));
    }
    ASSERT_TRUE(done) << "fragments of " << size;
    EXPECT_EQ(done->delivery.body, body);
    EXPECT_EQ(done->consumer_tag, "consumer");
    EXPECT_EQ(done->delivery.ref.tag, 7u);
    EXPECT_EQ(done->delivery.ref.channel, 1u);
    EXPECT_EQ(done->delivery.info.exchange, "exchange");
    EXPECT_EQ(done->delivery.info.routing_key, "key");
    EXPECT_TRUE(done->delivery.info.redelivered);
    EXPECT_EQ(done->delivery.properties.correlation_id, "id");
    EXPECT_EQ(done->delivery.oversized, 0u);
  }
}

TEST(DeliveryAssembler, AnEmptyBodyEndsWithItsHeader) {
  Frames frames;
  DeliveryAssembler assembler(1000);
  assembler.feed(frames.deliver(1));
  const auto* done = assembler.feed(frames.header(0));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->delivery.body, "");
}

TEST(DeliveryAssembler, SkipsABodyBeyondTheLimitAndGoesOn) {
  Frames frames;
  DeliveryAssembler assembler(10);
  assembler.feed(frames.deliver(1));
  assembler.feed(frames.header(12));
  ASSERT_FALSE(assembler.feed(frames.body("123456")));
  const auto* large = assembler.feed(frames.body("789012"));
  ASSERT_TRUE(large);
  EXPECT_EQ(large->delivery.oversized, 12u);
  EXPECT_EQ(large->delivery.body, "");

  assembler.feed(frames.deliver(2));
  assembler.feed(frames.header(10));
  const auto* fits = assembler.feed(frames.body("1234567890"));
  ASSERT_TRUE(fits);
  EXPECT_EQ(fits->delivery.body, "1234567890");
  EXPECT_EQ(fits->delivery.oversized, 0u);
}

TEST(DeliveryAssembler, RefusesFramesOutOfTurn) {
  Frames frames;
  DeliveryAssembler nothing_due(1000);
  EXPECT_THROW(nothing_due.feed(frames.header(1)), ProtocolError);
  EXPECT_THROW(nothing_due.feed(frames.body("x")), ProtocolError);

  DeliveryAssembler header_due(1000);
  header_due.feed(frames.deliver(1));
  EXPECT_THROW(header_due.feed(frames.deliver(2)), ProtocolError);

  DeliveryAssembler body_due(1000);
  body_due.feed(frames.deliver(1));
  body_due.feed(frames.header(2));
  EXPECT_THROW(body_due.feed(frames.header(2)), ProtocolError);
  EXPECT_THROW(body_due.feed(frames.body("123")), ProtocolError);
}

}  // namespace
}  // namespace celeriac::worker::amqp
