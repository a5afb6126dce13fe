#include "worker/broker/amqp/publishing_session.h"

#include <sys/time.h>

#include <utility>

#include "worker/broker/amqp/broker_error.h"
#include "worker/broker/amqp/properties.h"
#include "worker/log/log.h"

namespace celeriac::worker::amqp {
namespace {

constexpr amqp_channel_t kConfirmedChannel = 1;
constexpr amqp_channel_t kDeclareChannel = 2;
// Without confirms: what goes wrong with an event must not touch a task.
constexpr amqp_channel_t kTransientChannel = 3;

constexpr std::size_t kMaxUnconfirmed = 2048;

bool declared_each_time(const protocol::Queue& queue) {
  return queue.auto_delete || queue.arguments.contains("x-expires");
}

std::string key_of(const protocol::Queue& queue) {
  return queue.name + '\0' + queue.exchange.name + '\0' + queue.routing_key;
}

}  // namespace

PublishingSession::PublishingSession(Connection& connection) : connection_(connection) {
  open_channel(kConfirmedChannel);
  open_channel(kDeclareChannel);
  open_channel(kTransientChannel);
}

void PublishingSession::open_channel(amqp_channel_t channel) {
  connection_.open_channel(channel);
  if (channel == kConfirmedChannel) connection_.confirm_select(channel);
}

bool PublishingSession::accepts(const OutboxItem& item) const {
  if (blocked_ || trying_alone_) return false;
  if (item.suspect) return window_.empty();
  return window_.size() < kMaxUnconfirmed;
}

void PublishingSession::publish(OutboxItem item) {
  const bool confirmed = item.publication.durability == Durability::confirmed;
  try {
    declare(item.publication);
    if (confirmed) require_exchange(item.publication.exchange);
    send(item, confirmed ? kConfirmedChannel : kTransientChannel);
  } catch (const BrokerError& error) {
    if (error.scope() != BrokerError::Scope::channel) {
      // Not known to be sent: it goes again with what is unconfirmed.
      if (confirmed) window_.sent(std::move(item));
      throw;
    }
    channel_lost(kDeclareChannel, error.what());
    return finish(Outcome::Kind::refused, std::move(item), error.what());
  } catch (const Error& error) {
    return finish(Outcome::Kind::refused, std::move(item), error.what());
  }
  if (!confirmed) return finish(Outcome::Kind::done, std::move(item));
  trying_alone_ = item.suspect;
  window_.sent(std::move(item));
}

void PublishingSession::declare(const Publication& publication) {
  for (const protocol::Exchange& exchange : publication.declare_exchanges) {
    if (!exchange.auto_delete && known_exchanges_.count(exchange.name) != 0) continue;
    connection_.declare(kDeclareChannel, exchange);
    known_exchanges_.insert(exchange.name);
  }
  for (const protocol::Queue& queue : publication.declare_queues) {
    if (declared_.count(key_of(queue)) != 0) continue;
    connection_.declare(kDeclareChannel, queue);
    if (!declared_each_time(queue)) declared_.insert(key_of(queue));
    known_exchanges_.insert(queue.exchange.name);
  }
}

// A publish to a missing exchange would close the channel under everything that is
// unconfirmed; asking once is cheap.
void PublishingSession::require_exchange(const std::string& name) {
  if (name.empty() || known_exchanges_.count(name) != 0) return;
  connection_.require_exchange(kDeclareChannel, name);
  known_exchanges_.insert(name);
}

void PublishingSession::send(const OutboxItem& item, amqp_channel_t channel) {
  const Publication& publication = item.publication;
  const PropertiesView properties(publication.properties);
  if (publication.exchange.size() > 255 || publication.routing_key.size() > 255) {
    throw Error("the exchange name or routing key is longer than the 255 bytes that AMQP allows");
  }
  constexpr std::size_t kFrameOverhead = 8;
  if (properties.encoded_size() + kFrameOverhead > connection_.frame_max()) {
    throw Error("the headers of the message have " + std::to_string(properties.encoded_size()) +
                " bytes; the broker takes " + std::to_string(connection_.frame_max()));
  }
  const int status =
      amqp_basic_publish(connection_.get(), channel, bytes_view(publication.exchange),
                         bytes_view(publication.routing_key), publication.routed == Routed::must,
                         /*immediate=*/0, &properties.get(), bytes_view(publication.body));
  if (status != AMQP_STATUS_OK) throw transport_failed(status, "basic.publish");
  last_written_ = Clock::now();
}

void PublishingSession::read() {
  for (;;) {
    amqp_frame_t frame{};
    const timeval no_wait{};
    const int status = amqp_simple_wait_frame_noblock(connection_.get(), &frame, &no_wait);
    if (status == AMQP_STATUS_TIMEOUT) return;
    if (status != AMQP_STATUS_OK) throw transport_failed(status, "reading");
    handle(frame);
    amqp_maybe_release_buffers_on_channel(connection_.get(), frame.channel);
  }
}

void PublishingSession::beat() {
  const auto interval = Clock::duration(connection_.heartbeat());
  if (interval.count() == 0 || Clock::now() - last_written_ < interval / 2) return;
  amqp_frame_t frame{};
  frame.frame_type = AMQP_FRAME_HEARTBEAT;
  const int status = amqp_send_frame(connection_.get(), &frame);
  if (status != AMQP_STATUS_OK) throw transport_failed(status, "heartbeat");
  last_written_ = Clock::now();
}

void PublishingSession::handle(const amqp_frame_t& frame) {
  if (frame.frame_type == AMQP_FRAME_METHOD) {
    handle_method(frame);
  } else {
    handle_content(frame);
  }
}

void PublishingSession::handle_method(const amqp_frame_t& frame) {
  const void* const fields = frame.payload.method.decoded;
  switch (frame.payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = *static_cast<const amqp_basic_ack_t*>(fields);
      return handle_confirm(ack.delivery_tag, ack.multiple != 0, Outcome::Kind::done);
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = *static_cast<const amqp_basic_nack_t*>(fields);
      return handle_confirm(nack.delivery_tag, nack.multiple != 0, Outcome::Kind::again);
    }
    case AMQP_BASIC_RETURN_METHOD: {
      const auto& returned = *static_cast<const amqp_basic_return_t*>(fields);
      return_ =
          Return{string_of(returned.exchange),
                 string_of(returned.routing_key),
                 "(" + std::to_string(returned.reply_code) + ") " + string_of(returned.reply_text),
                 0,
                 {}};
      return;
    }
    case AMQP_CHANNEL_CLOSE_METHOD:
      return channel_lost(frame.channel,
                          channel_closed(*static_cast<const amqp_channel_close_t*>(fields)).what());
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const BrokerError error =
          connection_closed(*static_cast<const amqp_connection_close_t*>(fields));
      amqp_connection_close_ok_t ok{};
      amqp_send_method(connection_.get(), 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
      throw error;
    }
    case AMQP_CONNECTION_BLOCKED_METHOD: {
      const auto& blocked = *static_cast<const amqp_connection_blocked_t*>(fields);
      blocked_ = true;
      log::write(log::Level::warning, "celery.worker.broker",
                 "The broker has blocked publishing (" + string_of(blocked.reason) +
                     "); what is to be published waits.");
      return;
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      blocked_ = false;
      log::write(log::Level::info, "celery.worker.broker", "The broker takes messages again.");
      return;
    default:
      return;
  }
}

void PublishingSession::handle_confirm(std::uint64_t tag, bool multiple, Outcome::Kind kind) {
  for (ConfirmWindow::Sent& sent : window_.settled(tag, multiple)) {
    if (!sent.returned.empty() && kind == Outcome::Kind::done) {
      finish(Outcome::Kind::returned, std::move(sent.item), std::move(sent.returned));
    } else {
      finish(kind, std::move(sent.item));
    }
  }
  if (window_.empty()) trying_alone_ = false;
}

// The content of a returned message.
void PublishingSession::handle_content(const amqp_frame_t& frame) {
  if (!return_) return;
  if (frame.frame_type == AMQP_FRAME_HEADER) {
    const auto& properties =
        *static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    if (properties._flags & AMQP_BASIC_CORRELATION_ID_FLAG) {
      return_->correlation_id = string_of(properties.correlation_id);
    }
    return_->missing = frame.payload.properties.body_size;
  } else {
    return_->missing -= std::min<std::uint64_t>(return_->missing, frame.payload.body_fragment.len);
  }
  if (return_->missing > 0) return;
  window_.returned(return_->exchange, return_->routing_key, return_->correlation_id,
                   "Message could not be delivered to any queue: " + return_->text +
                       " (exchange '" + return_->exchange + "', routing key '" +
                       return_->routing_key + "')");
  return_.reset();
}

void PublishingSession::channel_lost(amqp_channel_t channel, const std::string& reason) {
  amqp_channel_close_ok_t ok{};
  amqp_send_method(connection_.get(), channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  if (channel == kConfirmedChannel) {
    return_.reset();
    known_exchanges_.clear();
    std::vector<OutboxItem> items = window_.take_all();
    const bool guilty = items.size() == 1;
    for (OutboxItem& item : items) {
      if (guilty) {
        finish(Outcome::Kind::refused, std::move(item), reason);
      } else {
        item.suspect = true;
        finish(Outcome::Kind::suspect, std::move(item), reason);
      }
    }
    trying_alone_ = false;
  } else if (channel == kTransientChannel) {
    log::write(log::Level::warning, "celery.worker.broker",
               "The broker refused an event or a reply: " + reason);
  }
  open_channel(channel);
}

void PublishingSession::finish(Outcome::Kind kind, OutboxItem item, std::string error) {
  outcomes_.push_back({kind, std::move(item), std::move(error)});
}

std::vector<PublishingSession::Outcome> PublishingSession::take_outcomes() {
  return std::exchange(outcomes_, {});
}

void PublishingSession::close() {
  // A blocked broker does not read, so it would not answer.
  if (!blocked_) connection_.close();
}

}  // namespace celeriac::worker::amqp
