// Publishes from a thread of its own, over a connection of its own.
//
// RabbitMQ stops reading from connections that publish when it runs short of memory or
// disk; consuming and acknowledging must not stand still with them.
#pragma once

#include <celeriac/async.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "worker/broker/amqp/interrupter.h"
#include "worker/broker/amqp/publishing_session.h"
#include "worker/broker/outbox.h"
#include "worker/broker/settings.h"
#include "worker/loop/completion.h"
#include "worker/loop/loop.h"
#include "worker/loop/move_only_function.h"
#include "worker/loop/timer.h"

namespace celeriac::worker::amqp {

// Used on the loop thread, which must outlive it.
class Publisher {
 public:
  // What became of a confirmed publication.
  struct Outcome {
    enum class Kind { done, failed, queue_full };
    std::uint64_t id;
    Kind kind;
    std::string error;
  };

  // `on_outcome` is called on the loop.
  Publisher(Loop& loop, const BrokerSettings& settings,
            MoveOnlyFunction<void(const Outcome&)> on_outcome);
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  // Drops what is not sent.
  ~Publisher();

  void start();

  // Ids grow. False when the outbox is full.
  bool submit(std::uint64_t id, Publication publication);

  // Sends what waits, gets it confirmed and closes the connection, or gives up at the
  // deadline; what is left then fails.
  Async<void> stop(Clock::time_point deadline);

  struct Status {
    bool connected = false, blocked = false;
    std::uint64_t published = 0, confirmed = 0, returned = 0, dropped = 0;
    std::size_t outbox_messages = 0, outbox_bytes = 0;
  };
  Status status() const;

 private:
  struct Delayed {
    Clock::time_point due;
    OutboxItem item;
  };

  // On the publisher's thread.
  void run();
  std::optional<Connection> connect();
  void serve(PublishingSession& session, const Connection& connection);
  void publish_waiting(PublishingSession& session);
  void settle(PublishingSession& session);
  void put_back_delayed();
  void connection_lost(PublishingSession& session);
  void fail_remaining();
  bool finished();
  void wait(int socket, Clock::duration at_most);
  void post(std::vector<Outcome> outcomes);

  void wake();

  Loop& loop_;
  const BrokerSettings settings_;
  MoveOnlyFunction<void(const Outcome&)> on_outcome_;
  Interrupter interrupter_;
  const int wake_descriptor_;  // an eventfd
  Timer deadline_timer_;
  std::vector<Completion<void>> stoppers_;
  bool ended_ = false;

  mutable std::mutex mutex_;  // guards what follows, up to the empty line
  Outbox outbox_;
  Status status_;
  std::optional<Clock::time_point> stop_at_;
  bool woken_ = false;

  // Of the publisher's thread.
  std::vector<Delayed> delayed_;
  std::size_t next_url_ = 0;
  bool outage_logged_ = false;

  // Expires with this object: what was posted for it is then dropped.
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
  std::thread thread_;
};

}  // namespace celeriac::worker::amqp
