#include "worker/broker/amqp/consuming_connection.h"

#include <celeriac/error.h>
#include <sys/time.h>

#include <utility>

#include "worker/broker/amqp/broker_error.h"
#include "worker/broker/amqp/table.h"

namespace celeriac::worker::amqp {
namespace {

// Beside those of the consumers; opened when it is first needed.
constexpr amqp_channel_t kCountingChannel = kConsumingChannels.back() + 1;

// Frames handled in one go before timers and other descriptors get their turn.
constexpr int kFramesPerTurn = 384;

// An ack or reject frame has 21 bytes; a socket that is writable takes some thousand
// bytes without waiting.
constexpr int kSettlementsPerWritable = 32;

}  // namespace

amqp_channel_t channel_of(ConsumerSpec::Group group) {
  return kConsumingChannels[group == ConsumerSpec::Group::tasks ? 0 : 1];
}

void write_settlement(amqp_connection_state_t connection, const UnsentSettlement& unsent) {
  const auto& [verdict, tag, extent] = unsent.settlement;
  const int status =
      verdict == Verdict::ack
          ? amqp_basic_ack(connection, unsent.channel, tag, extent == Settlement::Extent::up_to)
          : amqp_basic_reject(connection, unsent.channel, tag, verdict == Verdict::requeue);
  if (status != AMQP_STATUS_OK) throw transport_failed(status, "basic.ack");
}

ConsumingConnection::ConsumingConnection(Loop& loop, Connection connection, Options options,
                                         Events& events)
    : loop_(loop),
      connection_(std::move(connection)),
      options_(options),
      events_(events),
      heartbeat_(connection_->heartbeat()),
      channels_(kConsumingChannels.size(), Channel(options.max_body_bytes)),
      heartbeat_timer_(loop, [this] { beat(); }),
      reply_timer_(loop, [this] { fail("the broker does not answer basic.consume"); }) {
  heartbeats_.emplace(connection_->get(), heartbeat_);
  poll_.emplace(loop, connection_->socket(), [this](Poll::Events seen) { on_ready(seen); });
  update_interest();
  if (heartbeat_.count() > 0) heartbeat_timer_.start_repeating(Clock::duration(heartbeat_) / 4);
  // rabbitmq-c may have read ahead while the connection was opened.
  continue_draining();
}

void ConsumingConnection::consume(const ConsumerSpec& spec) {
  const amqp_channel_t number = channel_of(spec.group);
  if (channel(number).prefetch != spec.prefetch) {
    amqp_basic_qos_t qos{};
    qos.prefetch_count = spec.prefetch;
    send(number, AMQP_BASIC_QOS_METHOD, &qos);
    channel(number).prefetch = spec.prefetch;
    await_reply();
  }
  const std::string tag = "celeriac-" + std::to_string(++last_tag_);
  const TableView arguments(spec.queue.consumer_arguments);
  amqp_basic_consume_t consume{};
  consume.queue = bytes_view(spec.queue.name);
  consume.consumer_tag = bytes_view(tag);
  consume.no_ack = spec.acknowledge == ConsumerSpec::Acknowledge::automatic;
  consume.arguments = arguments.get();
  send(number, AMQP_BASIC_CONSUME_METHOD, &consume);
  await_reply();
  consumers_[tag] = {spec.queue.name, number, spec.acknowledge};
  tags_[spec.queue.name] = tag;
}

void ConsumingConnection::cancel(const std::string& queue) {
  const auto found = tags_.find(queue);
  if (found == tags_.end()) return;
  const std::string tag = std::move(found->second);
  tags_.erase(found);
  send_cancel(tag);
}

void ConsumingConnection::renew(const ConsumerSpec& spec) {
  const auto found = tags_.find(spec.queue.name);
  if (found == tags_.end()) return;
  const std::string old_tag = found->second;
  // An auto-delete queue would go with its last consumer.
  const bool keep_consuming = spec.queue.auto_delete;
  if (!keep_consuming) send_cancel(old_tag);
  consume(spec);
  if (keep_consuming) send_cancel(old_tag);
}

bool ConsumingConnection::can_count() {
  if (failed_ || counting_ == Counting::refused || !writable()) return false;
  if (std::exchange(counting_, Counting::possible) == Counting::not_asked) {
    amqp_channel_open_t open{};
    send(kCountingChannel, AMQP_CHANNEL_OPEN_METHOD, &open);
  }
  return true;
}

// On the channel whose loss hurts least.
void ConsumingConnection::delete_queue(const std::string& name) {
  if (!can_count()) return;
  amqp_queue_delete_t method{};
  method.queue = bytes_view(name);
  method.nowait = 1;
  send(kCountingChannel, AMQP_QUEUE_DELETE_METHOD, &method);
}

void ConsumingConnection::count_queues() {
  if (!can_count()) return;
  for (const auto& [queue, tag] : tags_) {
    if (consumers_.at(tag).channel != channel_of(ConsumerSpec::Group::tasks)) continue;
    amqp_queue_declare_t declare{};
    declare.queue = bytes_view(queue);
    declare.passive = 1;
    send(kCountingChannel, AMQP_QUEUE_DECLARE_METHOD, &declare);
  }
}

void ConsumingConnection::cancel_all() {
  returning_ = true;
  for (const auto& [queue, tag] : std::exchange(tags_, {})) send_cancel(tag);
}

void ConsumingConnection::send_cancel(const std::string& tag) {
  amqp_basic_cancel_t cancel{};
  cancel.consumer_tag = bytes_view(tag);
  send(consumers_.at(tag).channel, AMQP_BASIC_CANCEL_METHOD, &cancel);
  await_reply();
}

// Short and rare, hence not queued behind a socket that is not writable.
void ConsumingConnection::send(amqp_channel_t number, amqp_method_number_t method, void* fields) {
  if (failed_ || !connection_) return;
  const int status = send_now(number, method, fields);
  if (status != AMQP_STATUS_OK) return fail(transport_failed(status, "sending").what());
  heartbeats_->written();
}

int ConsumingConnection::send_now(amqp_channel_t number, amqp_method_number_t method,
                                  void* fields) {
  const auto guard = heartbeats_->guard();
  return amqp_send_method(connection_->get(), number, method, fields);
}

void ConsumingConnection::await_reply() {
  ++awaited_replies_;
  reply_timer_.start(options_.reply_timeout);
}

void ConsumingConnection::reply_arrived() {
  if (awaited_replies_ > 0) --awaited_replies_;
  if (awaited_replies_ == 0) {
    reply_timer_.stop();
  } else {
    reply_timer_.start(options_.reply_timeout);
  }
}

bool ConsumingConnection::settle(const DeliveryRef& ref, Verdict verdict) {
  if (ref.connection != options_.number || ref.channel == 0 || ref.channel > channels_.size()) {
    return false;
  }
  return channel(ref.channel).ledger.settle(ref.tag, verdict);
}

void ConsumingConnection::take_settled() {
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    for (const Settlement& settlement : channels_[i].ledger.flush()) {
      unsent_.push_back({kConsumingChannels[i], settlement});
    }
  }
}

void ConsumingConnection::flush() {
  if (failed_ || !connection_) return;
  take_settled();
  write_unsent();
}

void ConsumingConnection::write_unsent() {
  try {
    while (!unsent_.empty() && writable()) {
      const auto guard = heartbeats_->guard();
      for (int i = 0; i < kSettlementsPerWritable && !unsent_.empty(); ++i) {
        write_settlement(connection_->get(), unsent_.front());
        unsent_.pop_front();
      }
      heartbeats_->written();
    }
    update_interest();
  } catch (const BrokerError& error) {
    fail(error.what());
  }
}

bool ConsumingConnection::writable() const {
  return is_writable(connection_->socket());
}

void ConsumingConnection::update_interest() {
  if (poll_) poll_->watch({.read = true, .write = !unsent_.empty()});
}

ConsumingConnection::Remains ConsumingConnection::release() {
  poll_.reset();
  heartbeats_.reset();
  heartbeat_timer_.stop();
  reply_timer_.stop();
  take_settled();
  Remains remains{std::move(*connection_), {unsent_.begin(), unsent_.end()}};
  connection_.reset();
  return remains;
}

void ConsumingConnection::on_ready(Poll::Events seen) {
  if (seen.writable) write_unsent();
  if (!failed_ && drain() == Drained::some) continue_draining();
}

// In the next turn: the descriptor does not become readable for what is in a buffer.
void ConsumingConnection::continue_draining() {
  if (std::exchange(continuing_, true)) return;
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    continuing_ = false;
    if (!failed_ && connection_ && drain() == Drained::some) continue_draining();
  });
}

ConsumingConnection::Drained ConsumingConnection::drain() {
  for (int i = 0; i < kFramesPerTurn; ++i) {
    amqp_frame_t frame{};
    const int status = read_frame(frame);
    if (status == AMQP_STATUS_TIMEOUT) return Drained::all;
    if (status != AMQP_STATUS_OK) {
      fail(transport_failed(status, "reading").what());
      return Drained::all;
    }
    try {
      handle(frame);
    } catch (const Error& error) {
      fail(error.what());
    }
    if (failed_ || !connection_) return Drained::all;
    const auto guard = heartbeats_->guard();
    amqp_maybe_release_buffers_on_channel(connection_->get(), frame.channel);
  }
  return Drained::some;
}

int ConsumingConnection::read_frame(amqp_frame_t& frame) {
  const timeval no_wait{};
  const auto guard = heartbeats_->guard();
  return amqp_simple_wait_frame_noblock(connection_->get(), &frame, &no_wait);
}

void ConsumingConnection::handle(const amqp_frame_t& frame) {
  const bool is_method = frame.frame_type == AMQP_FRAME_METHOD;
  if (is_method && frame.payload.method.id != AMQP_BASIC_DELIVER_METHOD) {
    handle_method(frame);
    return;
  }
  if (frame.channel == 0 || frame.channel > channels_.size()) {
    throw ProtocolError("the broker sent content on channel " + std::to_string(frame.channel) +
                        ", which is not open");
  }
  if (AssembledDelivery* assembled = channel(frame.channel).assembler.feed(frame)) {
    handle_delivery(*assembled);
  }
}

void ConsumingConnection::handle_method(const amqp_frame_t& frame) {
  void* const fields = frame.payload.method.decoded;
  switch (frame.payload.method.id) {
    case AMQP_BASIC_QOS_OK_METHOD:
      reply_arrived();
      break;
    case AMQP_BASIC_CONSUME_OK_METHOD:
      consume_ok(string_of(static_cast<amqp_basic_consume_ok_t*>(fields)->consumer_tag));
      break;
    case AMQP_BASIC_CANCEL_OK_METHOD:
      cancel_ok(string_of(static_cast<amqp_basic_cancel_ok_t*>(fields)->consumer_tag));
      break;
    case AMQP_BASIC_CANCEL_METHOD: {
      const auto found =
          consumers_.find(string_of(static_cast<amqp_basic_cancel_t*>(fields)->consumer_tag));
      const std::string queue = found == consumers_.end() ? "?" : found->second.queue;
      throw ConnectionLost("the broker cancelled the consumer of queue " + queue +
                           " (basic.cancel): the queue was deleted or its node failed over");
    }
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
      const auto& queue = *static_cast<amqp_queue_declare_ok_t*>(fields);
      events_.counted(string_of(queue.queue), {queue.message_count, queue.consumer_count});
      break;
    }
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const BrokerError error = channel_closed(*static_cast<amqp_channel_close_t*>(fields));
      amqp_channel_close_ok_t ok{};
      send_now(frame.channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
      if (frame.channel != kCountingChannel) throw error;
      counting_ = Counting::refused;
      break;
    }
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const BrokerError error = connection_closed(*static_cast<amqp_connection_close_t*>(fields));
      amqp_connection_close_ok_t ok{};
      send_now(0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
      throw error;
    }
    default:
      // connection.blocked is for publishers.
      break;
  }
}

void ConsumingConnection::handle_delivery(AssembledDelivery& assembled) {
  const auto found = consumers_.find(assembled.consumer_tag);
  if (found == consumers_.end()) {
    throw ProtocolError("the broker sent a delivery for an unknown consumer");
  }
  Delivery& delivery = assembled.delivery;
  delivery.ref.connection = options_.number;
  delivery.info.queue = found->second.queue;
  if (found->second.acknowledge == ConsumerSpec::Acknowledge::manual) {
    AckLedger& ledger = channel(delivery.ref.channel).ledger;
    ledger.delivered(delivery.ref.tag);
    if (returning_) {
      static_cast<void>(ledger.settle(delivery.ref.tag, Verdict::requeue));
      loop_.at_turn_end([this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) flush();
      });
      return;
    }
  }
  if (!returning_) events_.delivered(std::move(delivery));
}

void ConsumingConnection::consume_ok(const std::string& tag) {
  reply_arrived();
  const auto found = consumers_.find(tag);
  if (found != consumers_.end()) events_.consuming(found->second.queue);
}

void ConsumingConnection::cancel_ok(const std::string& tag) {
  reply_arrived();
  const auto found = consumers_.find(tag);
  if (found == consumers_.end()) return;
  const std::string queue = std::move(found->second.queue);
  consumers_.erase(found);
  events_.cancelled(queue);
}

// A dead broker is noticed, whatever else happens on the connection. That it hears of us is the
// business of `heartbeats_`.
void ConsumingConnection::beat() {
  if (failed_ || !connection_) return;
  if (heartbeats_->status() != AMQP_STATUS_OK) {
    return fail(transport_failed(heartbeats_->status(), "heartbeat").what());
  }
  // rabbitmq-c would soon insist on writing, and block the loop.
  if (heartbeats_->silence() >= Clock::duration(heartbeat_) * 3 / 4 && !writable()) {
    return fail("the broker has stopped reading");
  }
  if (drain() == Drained::some) continue_draining();
}

void ConsumingConnection::fail(const std::string& reason) {
  if (failed_ || !connection_) return;
  failed_ = true;
  poll_.reset();
  heartbeat_timer_.stop();
  reply_timer_.stop();
  loop_.post([this, reason, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) events_.lost(reason);
  });
}

}  // namespace celeriac::worker::amqp
