// Publishing on one open connection, with confirms.
//
// Belongs to the publisher's thread. What ends the connection is thrown as BrokerError;
// what concerns one publication becomes its outcome.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "worker/broker/amqp/connection.h"
#include "worker/broker/confirm_window.h"
#include "worker/broker/outbox.h"
#include "worker/loop/loop.h"

namespace celeriac::worker::amqp {

class PublishingSession {
 public:
  // Opens the channels. The connection must outlive it.
  explicit PublishingSession(Connection& connection);

  // Whether this is the time to publish it: the broker may have blocked us, too many may
  // be unconfirmed, or one is being tried alone.
  bool accepts(const OutboxItem& item) const;

  // Declares what must be declared, then sends. The outcome comes later.
  void publish(OutboxItem item);

  // Handles what the broker has sent so far; does not wait.
  void read();

  // Sends a heartbeat if one is due.
  void beat();

  struct Outcome {
    enum class Kind {
      done,      // confirmed, or sent where no confirm is asked for
      returned,  // unroutable
      refused,   // the broker or AMQP itself does not take it
      again,     // to be published once more: nacked
      suspect,   // to be published once more, alone
    };
    Kind kind;
    OutboxItem item;
    std::string error;
  };
  std::vector<Outcome> take_outcomes();

  // What is on its way; after a failure.
  std::vector<OutboxItem> take_unconfirmed() { return window_.take_all(); }

  bool blocked() const { return blocked_; }
  bool idle() const { return window_.empty() && outcomes_.empty(); }
  void close();

 private:
  // A basic.return whose content is still arriving.
  struct Return {
    std::string exchange, routing_key, text;
    std::uint64_t missing = 0;
    std::string correlation_id;
  };

  void declare(const Publication& publication);
  void require_exchange(const std::string& name);
  void send(const OutboxItem& item, amqp_channel_t channel);
  void handle(const amqp_frame_t& frame);
  void handle_method(const amqp_frame_t& frame);
  void handle_confirm(std::uint64_t tag, bool multiple, Outcome::Kind kind);
  void handle_content(const amqp_frame_t& frame);
  void channel_lost(amqp_channel_t channel, const std::string& reason);
  void open_channel(amqp_channel_t channel);
  void finish(Outcome::Kind kind, OutboxItem item, std::string error = {});

  Connection& connection_;
  ConfirmWindow window_;
  std::vector<Outcome> outcomes_;
  std::set<std::string> declared_;         // what this connection has declared once
  std::set<std::string> known_exchanges_;  // seen to exist on this connection
  std::optional<Return> return_;
  bool blocked_ = false;
  bool trying_alone_ = false;
  Clock::time_point last_written_ = Clock::now();
};

}  // namespace celeriac::worker::amqp
