#include "worker/broker/amqp/amqp_broker.h"

#include <celeriac/error.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <unordered_map>
#include <utility>

#include "protocol/url/url.h"
#include "worker/broker/amqp/broker_error.h"
#include "worker/broker/amqp/connector.h"
#include "worker/broker/amqp/consuming_connection.h"
#include "worker/broker/amqp/errand.h"
#include "worker/broker/amqp/publisher.h"
#include "worker/broker/backoff.h"
#include "worker/broker/url_options.h"
#include "worker/log/log.h"
#include "worker/loop/completion.h"
#include "worker/loop/task_group.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using amqp::Connected;
using amqp::ConnectPlan;
using amqp::ConsumingConnection;
using amqp::Interrupter;
using amqp::Publisher;

constexpr std::string_view kLogger = "celery.worker.consumer.consumer";

// A connection that is lost sooner did not help; the next one waits.
constexpr auto kShortLife = 5s;

// RabbitMQ declares, purges and answers basic.consume within this on any sane day.
constexpr auto kReplyTimeout = 30s;

// An auto-delete queue goes with its last consumer.
bool can_pause(const ConsumerSpec& consumer) {
  return consumer.group == ConsumerSpec::Group::tasks && !consumer.queue.auto_delete;
}

class AmqpBroker final : public Broker, private ConsumingConnection::Events {
 public:
  AmqpBroker(Loop& loop, BrokerSettings settings);

  void start(BrokerListener& listener, std::vector<ConsumerSpec> consumers) override;
  void declare_delayed_delivery(protocol::Declarations declarations) override {
    delayed_delivery_ = std::move(declarations);
  }
  Async<void> add_consumer(ConsumerSpec consumer) override;
  Async<void> cancel_consumer(std::string queue) override;
  void renew_consumer(const std::string& queue, std::uint16_t prefetch) override;
  Async<void> pause_consuming() override;
  void resume_consuming(std::uint16_t prefetch, const std::string& first_queue) override;
  void settle(const DeliveryRef& delivery, Verdict verdict) override;
  Async<void> publish(Publication publication) override;
  void count_queues() override;
  Async<std::uint64_t> purge(protocol::Queue queue) override;
  void delete_queue(const std::string& name) override {
    if (link_ && !consuming_stopped_) link_->delete_queue(name);
  }
  Async<void> stop_consuming() override;
  Async<void> stop(std::chrono::milliseconds deadline) override;
  BrokerStatus status() const override;

 private:
  using Waiters = std::vector<Completion<void>>;

  void delivered(Delivery&& delivery) override;
  void consuming(const std::string& queue) override;
  void cancelled(const std::string& queue) override;
  void counted(const std::string& queue, QueueTotals totals) override;
  void lost(const std::string& reason) override;

  Async<void> keep_consuming();
  Async<Connected> connect(ConnectPlan plan);
  void attach(Connected connected, const std::vector<ConsumerSpec>& declared);
  Async<void> consume_declared(std::string queue);
  Async<void> consume_added(std::string queue);
  Async<void> declare(protocol::Queue queue);
  void with_connection(Interrupter& interrupter,
                       const std::function<void(amqp::Connection&)>& use) const;
  Async<void> close(ConsumingConnection::Remains remains, Clock::time_point deadline);
  void announce_if_complete();
  void flush_at_turn_end();
  ConsumerSpec* find(const std::string& queue);
  bool is_paused(const ConsumerSpec& consumer) const;
  Pending<void> wait_in(Waiters& waiters);
  static void resume(Waiters& waiters);

  Loop& loop_;
  const BrokerSettings settings_;
  BrokerListener* listener_ = nullptr;
  std::vector<ConsumerSpec> consumers_;
  protocol::Declarations delayed_delivery_;

  Interrupter interrupter_;  // of what runs until `stop`
  std::optional<ConsumingConnection> link_;
  std::uint64_t connections_ = 0;  // opened so far; the number of the current one
  std::size_t url_ = 0;
  bool announced_ = false;  // on_consuming was called for this connection
  bool flush_pending_ = false;
  bool consuming_stopped_ = false;
  bool consuming_paused_ = false;
  std::optional<Completion<std::string>> loss_;
  std::map<std::string, Waiters> replies_;  // by queue: basic.consume and basic.cancel
  Waiters cancellations_;                   // `stop_consuming`, `pause_consuming`
  Waiters stoppers_;
  enum class Stop { not_asked, running, done } stop_ = Stop::not_asked;

  std::uint64_t last_publication_ = 0;
  std::unordered_map<std::uint64_t, Completion<void>> publishing_;
  Publisher publisher_;

  std::uint64_t acks_ = 0, rejects_ = 0, requeues_ = 0, deliveries_ = 0;
  std::map<std::string, QueueTotals> totals_;  // by queue; of this connection
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
  TaskGroup group_;
};

AmqpBroker::AmqpBroker(Loop& loop, BrokerSettings settings)
    : loop_(loop),
      settings_(std::move(settings)),
      publisher_(loop, settings_,
                 [this](const Publisher::Outcome& outcome) {
                   const auto found = publishing_.find(outcome.id);
                   if (found == publishing_.end()) return;
                   Completion<void> done = std::move(found->second);
                   publishing_.erase(found);
                   switch (outcome.kind) {
                     case Publisher::Outcome::Kind::done:
                       return done.complete();
                     case Publisher::Outcome::Kind::failed:
                       return done.fail(std::make_exception_ptr(Error(outcome.error)));
                     case Publisher::Outcome::Kind::queue_full:
                       return done.fail(std::make_exception_ptr(QueueFull(outcome.error)));
                   }
                 }),
      group_(loop, [this](std::exception_ptr error) {
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& failure) {
          if (stop_ == Stop::not_asked && listener_) listener_->on_unrecoverable(failure.what());
        }
      }) {}

void AmqpBroker::start(BrokerListener& listener, std::vector<ConsumerSpec> consumers) {
  listener_ = &listener;
  consumers_ = std::move(consumers);
  publisher_.start();
  group_.spawn(keep_consuming());
}

// Connects, and again after every loss.
Async<void> AmqpBroker::keep_consuming() {
  ConnectPlan::Phase phase = ConnectPlan::Phase::startup;
  Backoff backoff({}, std::random_device{}());
  std::chrono::milliseconds delay{0};
  while (!consuming_stopped_) {
    const std::vector<ConsumerSpec> declared = consumers_;
    ConnectPlan plan{phase, declared, delayed_delivery_, delay, url_};
    Connected connected = co_await connect(std::move(plan));
    if (consuming_stopped_) break;
    phase = ConnectPlan::Phase::reconnect;
    const auto since = loop_.now();
    loss_.emplace(loop_);
    Pending<std::string> loss = loss_->pending();
    attach(std::move(connected), declared);
    const std::string reason = co_await std::move(loss);

    log::write(
        log::Level::warning, kLogger,
        "consumer: Connection to broker lost. Trying to re-establish the connection... " + reason);
    link_.reset();
    totals_.clear();
    for (auto& [queue, waiters] : std::exchange(replies_, {})) resume(waiters);
    resume(cancellations_);
    const bool short_life = loop_.now() - since < kShortLife;
    if (!short_life) backoff.reset();
    delay = short_life ? backoff.next() : std::chrono::milliseconds(0);
    listener_->on_connection_lost(reason);
  }
}

Async<Connected> AmqpBroker::connect(ConnectPlan plan) {
  MoveOnlyFunction<Connected(Interrupter&)> work =
      [this, plan = std::move(plan)](Interrupter& interrupter) {
        return connect_consuming(plan, settings_, interrupter);
      };
  co_return co_await amqp::run_errand<Connected>(loop_, interrupter_, std::move(work));
}

void AmqpBroker::attach(Connected connected, const std::vector<ConsumerSpec>& declared) {
  url_ = connected.url;
  announced_ = false;
  log::write(log::Level::info, "celery.worker.consumer.connection",
             "Connected to " + connected.connection.display_url());
  const ConsumingConnection::Options options{++connections_, settings_.max_body_bytes,
                                             kReplyTimeout};
  ConsumingConnection::Events& events = *this;
  link_.emplace(loop_, std::move(connected.connection), options, events);
  for (const ConsumerSpec& consumer : consumers_) {
    const bool is_declared = std::any_of(
        declared.begin(), declared.end(),
        [&](const ConsumerSpec& known) { return known.queue.name == consumer.queue.name; });
    if (is_declared) {
      if (!is_paused(consumer)) link_->consume(consumer);
    } else {
      // Added while we were connecting.
      group_.spawn(consume_added(consumer.queue.name));
    }
  }
  announce_if_complete();
}

void AmqpBroker::announce_if_complete() {
  if (announced_ || !link_ || link_->waits_for_reply()) return;
  announced_ = true;
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && link_ && !consuming_stopped_) listener_->on_consuming();
  });
}

ConsumerSpec* AmqpBroker::find(const std::string& queue) {
  for (ConsumerSpec& consumer : consumers_) {
    if (consumer.queue.name == queue) return &consumer;
  }
  return nullptr;
}

Pending<void> AmqpBroker::wait_in(Waiters& waiters) {
  Completion<void> done(loop_);
  Pending<void> pending = done.pending();
  waiters.push_back(std::move(done));
  return pending;
}

void AmqpBroker::resume(Waiters& waiters) {
  for (Completion<void>& waiter : std::exchange(waiters, {})) waiter.complete();
}

void AmqpBroker::delivered(Delivery&& delivery) {
  ++deliveries_;
  listener_->on_delivery(std::move(delivery));
}

void AmqpBroker::consuming(const std::string& queue) {
  resume(replies_[queue]);
  resume(cancellations_);
  announce_if_complete();
}

void AmqpBroker::cancelled(const std::string& queue) {
  resume(replies_[queue]);
  resume(cancellations_);
}

void AmqpBroker::counted(const std::string& queue, QueueTotals totals) {
  if (find(queue)) totals_[queue] = totals;
}

void AmqpBroker::lost(const std::string& reason) {
  if (loss_) loss_->complete(reason);
}

Async<void> AmqpBroker::add_consumer(ConsumerSpec consumer) {
  const std::string queue = consumer.queue.name;
  if (find(queue)) co_return;
  if (consumer.queue.exclusive && link_) {
    throw Error("queue " + queue +
                " is exclusive; such a queue can be consumed from the start only");
  }
  consumers_.push_back(std::move(consumer));
  if (link_) co_await consume_declared(queue);
}

// Declares on a connection of its own: a refusal would close the channel that consumes.
Async<void> AmqpBroker::consume_declared(std::string queue) {
  const std::uint64_t connection = connections_;
  std::exception_ptr refusal;
  try {
    co_await declare(find(queue)->queue);
  } catch (const Error&) {
    refusal = std::current_exception();
  }
  const ConsumerSpec* consumer = find(queue);
  if (refusal) {
    std::erase_if(consumers_, [&](const ConsumerSpec& each) { return each.queue.name == queue; });
    std::rethrow_exception(refusal);
  }
  // A new connection consumes all that is in the set by itself.
  if (!consumer || !link_ || connection != connections_ || link_->consumes(queue)) co_return;
  if (is_paused(*consumer)) co_return;
  link_->consume(*consumer);
  co_await wait_in(replies_[queue]);
}

Async<void> AmqpBroker::consume_added(std::string queue) {
  try {
    co_await consume_declared(queue);
  } catch (const Error& error) {
    log::write(log::Level::error, kLogger,
               "Cannot consume from queue " + queue + ": " + error.what());
  }
}

Async<void> AmqpBroker::declare(protocol::Queue queue) {
  MoveOnlyFunction<void(Interrupter&)> work = [this, queue](Interrupter& interrupter) {
    with_connection(interrupter,
                    [&](amqp::Connection& connection) { connection.declare(1, queue); });
  };
  co_await amqp::run_errand<void>(loop_, interrupter_, std::move(work));
}

Async<std::uint64_t> AmqpBroker::purge(protocol::Queue queue) {
  MoveOnlyFunction<std::uint64_t(Interrupter&)> work =
      [this, name = queue.name](Interrupter& interrupter) {
        std::uint64_t count = 0;
        with_connection(interrupter, [&](amqp::Connection& connection) {
          try {
            count = connection.purge(1, name);
          } catch (const amqp::BrokerError& error) {
            // No such queue, no such messages.
            if (error.reply_code() != amqp::kNotFound) throw;
          }
        });
        return count;
      };
  co_return co_await amqp::run_errand<std::uint64_t>(loop_, interrupter_, std::move(work));
}

// On an errand's thread: one channel of a short-lived connection.
void AmqpBroker::with_connection(Interrupter& interrupter,
                                 const std::function<void(amqp::Connection&)>& use) const {
  const std::vector<std::string> urls = amqp::consuming_urls(settings_);
  amqp::Connection connection = amqp::Connection::open(
      urls[url_ % urls.size()], settings_, amqp::Connection::Role::consuming, interrupter);
  const Interrupter::Watched watched(interrupter, connection.socket());
  connection.open_channel(1);
  use(connection);
  connection.close();
}

void AmqpBroker::count_queues() {
  if (link_ && !consuming_stopped_) link_->count_queues();
}

Async<void> AmqpBroker::cancel_consumer(std::string queue) {
  totals_.erase(queue);
  std::erase_if(consumers_, [&](const ConsumerSpec& each) { return each.queue.name == queue; });
  if (!link_ || !link_->consumes(queue)) co_return;
  link_->cancel(queue);
  co_await wait_in(replies_[queue]);
}

void AmqpBroker::renew_consumer(const std::string& queue, std::uint16_t prefetch) {
  ConsumerSpec* consumer = find(queue);
  if (!consumer) return;
  consumer->prefetch = prefetch;
  if (link_ && !consuming_stopped_) link_->renew(*consumer);
}

bool AmqpBroker::is_paused(const ConsumerSpec& consumer) const {
  return consuming_paused_ && can_pause(consumer);
}

Async<void> AmqpBroker::pause_consuming() {
  consuming_paused_ = true;
  if (!link_) co_return;
  for (const ConsumerSpec& consumer : consumers_) {
    if (can_pause(consumer)) link_->cancel(consumer.queue.name);
  }
  while (link_ && link_->waits_for_reply()) co_await wait_in(cancellations_);
}

void AmqpBroker::resume_consuming(std::uint16_t prefetch, const std::string& first_queue) {
  consuming_paused_ = false;
  for (ConsumerSpec& consumer : consumers_) {
    if (can_pause(consumer)) consumer.prefetch = prefetch;
  }
  if (!link_ || consuming_stopped_) return;
  const auto consume = [this](const ConsumerSpec& consumer) {
    if (can_pause(consumer) && !link_->consumes(consumer.queue.name)) link_->consume(consumer);
  };
  if (const ConsumerSpec* first = find(first_queue)) consume(*first);
  for (const ConsumerSpec& consumer : consumers_) consume(consumer);
}

void AmqpBroker::settle(const DeliveryRef& delivery, Verdict verdict) {
  if (!link_ || !link_->settle(delivery, verdict)) return;
  switch (verdict) {
    case Verdict::ack:
      ++acks_;
      break;
    case Verdict::reject:
      ++rejects_;
      break;
    case Verdict::requeue:
      ++requeues_;
      break;
  }
  flush_at_turn_end();
}

void AmqpBroker::flush_at_turn_end() {
  if (std::exchange(flush_pending_, true)) return;
  loop_.at_turn_end([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    flush_pending_ = false;
    if (link_) link_->flush();
  });
}

Async<void> AmqpBroker::publish(Publication publication) {
  if (stop_ != Stop::not_asked) throw Error("the worker stops; nothing is published any more");
  const bool confirmed = publication.durability == Durability::confirmed;
  const std::uint64_t id = ++last_publication_;
  if (!publisher_.submit(id, std::move(publication))) {
    // A transient message that finds no room is dropped and counted.
    if (!confirmed) co_return;
    throw Error("the outbox is full: " + std::to_string(settings_.outbox_messages) +
                " messages or " + std::to_string(settings_.outbox_bytes) +
                " bytes wait for the broker");
  }
  if (!confirmed) co_return;
  Completion<void> done(loop_);
  Pending<void> pending = done.pending();
  publishing_.emplace(id, std::move(done));
  co_await std::move(pending);
}

Async<void> AmqpBroker::stop_consuming() {
  consuming_stopped_ = true;
  consumers_.clear();
  if (!link_) co_return;
  link_->cancel_all();
  while (link_ && link_->waits_for_reply()) co_await wait_in(cancellations_);
}

Async<void> AmqpBroker::stop(std::chrono::milliseconds deadline) {
  if (stop_ == Stop::done) co_return;
  if (stop_ == Stop::running) {
    co_await wait_in(stoppers_);
    co_return;
  }
  stop_ = Stop::running;
  const auto until = loop_.now() + deadline;
  co_await publisher_.stop(until);
  consuming_stopped_ = true;
  interrupter_.interrupt();
  group_.cancel_all();
  co_await group_.join();
  if (link_) {
    ConsumingConnection::Remains remains = link_->release();
    link_.reset();
    co_await close(std::move(remains), until);
  }
  stop_ = Stop::done;
  resume(stoppers_);
}

// In order: with the channels' close-ok the broker has processed every ack.
Async<void> AmqpBroker::close(ConsumingConnection::Remains remains, Clock::time_point until) {
  Interrupter interrupter;
  Timer deadline(loop_, [&interrupter] { interrupter.interrupt(); });
  // An ack is worth a moment even when time is up.
  deadline.start(std::max<Clock::duration>(until - loop_.now(), 500ms));
  MoveOnlyFunction<void(Interrupter&)> work = [&remains](Interrupter& stop_waiting) {
    amqp::Connection connection = std::move(remains.connection);
    const Interrupter::Watched watched(stop_waiting, connection.socket());
    for (const amqp::UnsentSettlement& unsent : remains.unsent) {
      write_settlement(connection.get(), unsent);
    }
    for (const auto channel : amqp::kConsumingChannels) connection.close_channel(channel);
    connection.close();
  };
  try {
    co_await amqp::run_errand<void>(loop_, interrupter, std::move(work));
  } catch (const Error& error) {
    log::write(log::Level::warning, kLogger,
               std::string("The connection to the broker did not close in order; the last "
                           "acknowledgements may be lost: ") +
                   error.what());
  }
}

BrokerStatus AmqpBroker::status() const {
  const Publisher::Status publisher = publisher_.status();
  BrokerStatus status;
  status.connected = link_.has_value();
  status.consuming = link_.has_value() && announced_ && !consuming_stopped_;
  status.publisher_connected = publisher.connected;
  status.publisher_blocked = publisher.blocked;
  const std::vector<std::string> urls = amqp::consuming_urls(settings_);
  status.url = protocol::display_url(urls[url_ % urls.size()]);
  status.reconnects = connections_ > 0 ? connections_ - 1 : 0;
  status.acks = acks_;
  status.rejects = rejects_;
  status.requeues = requeues_;
  status.deliveries = deliveries_;
  status.published = publisher.published;
  status.confirmed = publisher.confirmed;
  status.returned = publisher.returned;
  status.dropped = publisher.dropped;
  status.outbox_messages = publisher.outbox_messages;
  status.outbox_bytes = publisher.outbox_bytes;
  status.queues = totals_;
  if (link_) status.heartbeat = link_->heartbeat();
  return status;
}

void check(const BrokerSettings& settings) {
  for (const auto* urls : {&settings.urls, &settings.write_urls}) {
    for (const std::string& text : *urls) {
      const protocol::Url url = protocol::parse_url(text);
      constexpr std::string_view kSchemes[] = {"amqp", "amqps", "pyamqp", "librabbitmq"};
      if (std::find(std::begin(kSchemes), std::end(kSchemes), url.scheme) == std::end(kSchemes)) {
        throw ConfigError("the broker's address is " + protocol::display_url(url) +
                          "; it must be RabbitMQ's, as amqp://user:password@host:5672/vhost, or "
                          "amqps:// for TLS. Redis, SQS and others are not supported");
      }
      with_url_options(settings, url);
    }
  }
}

}  // namespace

std::unique_ptr<Broker> make_amqp_broker(Loop& loop, BrokerSettings settings) {
  check(settings);
  return std::make_unique<AmqpBroker>(loop, std::move(settings));
}

}  // namespace celeriac::worker
