// One open connection that consumes, driven by the loop.
//
// Lives from the moment the connection is open until it is lost or handed over for
// closing; a reconnect makes a new one. Loop thread only; loop and events must outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/broker/ack_ledger.h"
#include "worker/broker/amqp/connection.h"
#include "worker/broker/amqp/delivery_assembler.h"
#include "worker/broker/amqp/heartbeats.h"
#include "worker/broker/broker.h"
#include "worker/loop/loop.h"
#include "worker/loop/poll.h"
#include "worker/loop/timer.h"

namespace celeriac::worker::amqp {

// The channels of a consuming connection, one for each group of consumers.
inline constexpr std::array<amqp_channel_t, 2> kConsumingChannels = {1, 2};
amqp_channel_t channel_of(ConsumerSpec::Group group);

// A settlement that could not be written yet.
struct UnsentSettlement {
  amqp_channel_t channel;
  Settlement settlement;
};

// Blocks; for a connection that the loop does not watch any more.
void write_settlement(amqp_connection_state_t connection, const UnsentSettlement& unsent);

class ConsumingConnection {
 public:
  class Events {
   public:
    virtual void delivered(Delivery&& delivery) = 0;
    // The broker answered basic.consume, or basic.cancel.
    virtual void consuming(const std::string& queue) = 0;
    virtual void cancelled(const std::string& queue) = 0;
    // The answer to `count_queues`.
    virtual void counted(const std::string& queue, QueueTotals totals) = 0;
    // Once, from the loop itself: this object may be destroyed.
    virtual void lost(const std::string& reason) = 0;

   protected:
    ~Events() = default;
  };

  struct Options {
    std::uint64_t number = 0;  // of the connection, for DeliveryRef
    std::size_t max_body_bytes = 0;
    std::chrono::milliseconds reply_timeout{0};
  };

  ConsumingConnection(Loop& loop, Connection connection, Options options, Events& events);
  ConsumingConnection(const ConsumingConnection&) = delete;
  ConsumingConnection& operator=(const ConsumingConnection&) = delete;

  // These send and return; the answers arrive as events. A queue has one consumer.
  void consume(const ConsumerSpec& spec);
  void cancel(const std::string& queue);
  void renew(const ConsumerSpec& spec);
  // Asks for the totals of every queue of the group `tasks`, on a channel of its own: a refusal
  // closes that channel alone, and then there are no totals any more.
  void count_queues();
  void delete_queue(const std::string& name);
  // From now on what arrives for the cancelled consumers goes back to the queue.
  void cancel_all();

  bool consumes(const std::string& queue) const { return tags_.count(queue) != 0; }
  // Consumers that wait for the broker's answer.
  bool waits_for_reply() const { return awaited_replies_ > 0; }

  // Marks; `flush` writes. False if the delivery is not one that waits for a verdict.
  [[nodiscard]] bool settle(const DeliveryRef& ref, Verdict verdict);
  // Writes what is settled as far as the socket takes it without waiting; the rest
  // goes out when it takes more.
  void flush();

  std::chrono::seconds heartbeat() const { return heartbeat_; }

  // Stops watching and gives the connection away, with what is still to be written.
  struct Remains {
    Connection connection;
    std::vector<UnsentSettlement> unsent;
  };
  Remains release();

 private:
  struct Consumer {
    std::string queue;
    amqp_channel_t channel;
    ConsumerSpec::Acknowledge acknowledge;
  };
  struct Channel {
    explicit Channel(std::size_t max_body_bytes) : assembler(max_body_bytes) {}
    DeliveryAssembler assembler;
    AckLedger ledger;
    std::optional<std::uint16_t> prefetch;  // as the last basic.qos said
  };
  enum class Drained { all, some };

  void on_ready(Poll::Events events);
  Drained drain();
  void continue_draining();
  void handle(const amqp_frame_t& frame);
  void handle_method(const amqp_frame_t& frame);
  void handle_delivery(AssembledDelivery& assembled);
  void consume_ok(const std::string& tag);
  void cancel_ok(const std::string& tag);

  // Opens the channel for it, unless the broker has refused it on this connection.
  bool can_count();
  void send_cancel(const std::string& tag);
  void send(amqp_channel_t channel, amqp_method_number_t method, void* fields);
  int send_now(amqp_channel_t channel, amqp_method_number_t method, void* fields);
  int read_frame(amqp_frame_t& frame);
  void await_reply();
  void reply_arrived();
  void take_settled();
  void beat();
  bool writable() const;
  void write_unsent();
  void update_interest();
  void fail(const std::string& reason);
  Channel& channel(amqp_channel_t number) { return channels_[number - 1u]; }

  Loop& loop_;
  std::optional<Connection> connection_;  // until released
  Options options_;
  Events& events_;
  std::chrono::seconds heartbeat_;
  std::vector<Channel> channels_;
  std::unordered_map<std::string, Consumer> consumers_;  // by consumer tag, the cancelled too
  std::unordered_map<std::string, std::string> tags_;    // queue -> tag of its consumer
  std::deque<UnsentSettlement> unsent_;
  std::uint64_t last_tag_ = 0;
  std::size_t awaited_replies_ = 0;
  enum class Counting { not_asked, possible, refused } counting_ = Counting::not_asked;
  bool returning_ = false;   // what arrives goes back
  bool continuing_ = false;  // more is to be drained in the next turn
  bool failed_ = false;
  std::optional<Heartbeats> heartbeats_;  // until released
  Timer heartbeat_timer_;
  Timer reply_timer_;
  // Expires with this object: what was posted for it is then dropped.
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
  std::optional<Poll> poll_;
};

}  // namespace celeriac::worker::amqp
