#include "worker/broker/amqp/publisher.h"

#include <celeriac/error.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include "worker/broker/amqp/broker_error.h"
#include "worker/broker/backoff.h"
#include "worker/log/log.h"

namespace celeriac::worker::amqp {
namespace {

using namespace std::chrono_literals;

// Events older than these would tell monitors of a past that is over.
constexpr std::size_t kTransientKeptOffline = 1000;

// A queue with overflow=reject-publish nacks until it has room.
constexpr auto kNackPause = 1s;

const std::vector<std::string>& urls_of(const BrokerSettings& settings) {
  static const std::vector<std::string> fallback = {"amqp://guest:guest@127.0.0.1:5672//"};
  if (!settings.write_urls.empty()) return settings.write_urls;
  return settings.urls.empty() ? fallback : settings.urls;
}

}  // namespace

Publisher::Publisher(Loop& loop, const BrokerSettings& settings,
                     MoveOnlyFunction<void(const Outcome&)> on_outcome)
    : loop_(loop),
      settings_(settings),
      on_outcome_(std::move(on_outcome)),
      wake_descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      deadline_timer_(loop, [this] { interrupter_.interrupt(); }),
      outbox_(settings.outbox_messages, settings.outbox_bytes) {
  if (wake_descriptor_ < 0) throw Error("eventfd: out of file descriptors; raise LimitNOFILE");
}

Publisher::~Publisher() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stop_at_ = Clock::time_point::min();
    }
    interrupter_.interrupt();
    thread_.join();
  }
  ::close(wake_descriptor_);
}

void Publisher::start() {
  thread_ = std::thread([this] { run(); });
}

bool Publisher::submit(std::uint64_t id, Publication publication) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_ || !outbox_.add({id, std::move(publication)})) return false;
    if (!status_.connected) outbox_.drop_transient(kTransientKeptOffline);
  }
  wake();
  return true;
}

void Publisher::wake() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(woken_, true)) return;
  }
  ::eventfd_write(wake_descriptor_, 1);
}

Async<void> Publisher::stop(Clock::time_point deadline) {
  if (ended_ || !thread_.joinable()) co_return;
  {
    const std::lock_guard lock(mutex_);
    stop_at_ = deadline;
  }
  deadline_timer_.start(std::max(deadline - loop_.now(), Clock::duration::zero()));
  wake();
  Completion<void> done(loop_);
  Pending<void> pending = done.pending();
  stoppers_.push_back(std::move(done));
  co_await std::move(pending);
}

Publisher::Status Publisher::status() const {
  const std::lock_guard lock(mutex_);
  Status status = status_;
  status.dropped = outbox_.dropped();
  status.outbox_messages = outbox_.messages();
  status.outbox_bytes = outbox_.bytes();
  return status;
}

void Publisher::run() {
  Backoff backoff({.lead_in = {250ms, 500ms, 1000ms}}, std::random_device{}());
  while (!finished()) {
    if (std::optional<Connection> connection = connect()) {
      const Interrupter::Watched watched(interrupter_, connection->socket());
      std::optional<PublishingSession> session;
      try {
        session.emplace(*connection);
        backoff.reset();
        serve(*session, *connection);
        session->close();
      } catch (const BrokerError& error) {
        log::write(log::Level::warning, "celery.worker.broker",
                   std::string("publisher: Connection to broker lost: ") + error.what());
      }
      if (session) connection_lost(*session);
    }
    if (finished()) break;
    const auto next_attempt = Clock::now() + backoff.next();
    while (!finished() && Clock::now() < next_attempt) wait(-1, next_attempt - Clock::now());
  }
  fail_remaining();
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    thread_.join();
    ended_ = true;
    deadline_timer_.stop();
    for (Completion<void>& stopper : std::exchange(stoppers_, {})) stopper.complete();
  });
}

std::optional<Connection> Publisher::connect() {
  const std::vector<std::string>& urls = urls_of(settings_);
  const std::string& url = urls[next_url_ % urls.size()];
  try {
    Connection connection =
        Connection::open(url, settings_, Connection::Role::publishing, interrupter_);
    outage_logged_ = false;
    return connection;
  } catch (const Error& error) {
    ++next_url_;
    // The consuming connection logs each attempt at the same brokers.
    const bool told = settings_.write_urls.empty() || std::exchange(outage_logged_, true);
    const auto level = told ? log::Level::debug : log::Level::warning;
    log::write(level, "celery.worker.broker",
               "publisher: Cannot connect to " + protocol::display_url(url) + ": " + error.what() +
                   ". What is to be published waits.");
    return std::nullopt;
  }
}

void Publisher::serve(PublishingSession& session, const Connection& connection) {
  {
    const std::lock_guard lock(mutex_);
    status_.connected = true;
  }
  const auto heartbeat = Clock::duration(connection.heartbeat());
  const auto pause = heartbeat.count() > 0 ? heartbeat / 4 : Clock::duration(10s);
  while (!finished()) {
    publish_waiting(session);
    session.read();
    session.beat();
    settle(session);
    put_back_delayed();
    bool more;
    {
      const std::lock_guard lock(mutex_);
      const OutboxItem* next = outbox_.front();
      more = next && session.accepts(*next);
      status_.blocked = session.blocked();
    }
    if (!more && !finished()) wait(connection.socket(), pause);
  }
}

void Publisher::publish_waiting(PublishingSession& session) {
  constexpr int kBetweenReads = 64;
  for (int i = 0; i < kBetweenReads; ++i) {
    std::optional<OutboxItem> item;
    {
      const std::lock_guard lock(mutex_);
      const OutboxItem* next = outbox_.front();
      if (!next || !session.accepts(*next)) return;
      item = outbox_.take();
      ++status_.published;
    }
    session.publish(std::move(*item));
  }
}

void Publisher::settle(PublishingSession& session) {
  using Kind = PublishingSession::Outcome::Kind;
  std::vector<PublishingSession::Outcome> settled = session.take_outcomes();
  if (settled.empty()) return;
  std::vector<Outcome> outcomes;
  std::vector<OutboxItem> suspects;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [kind, item, error] : settled) {
      const bool confirmed = item.publication.durability == Durability::confirmed;
      Outcome::Kind end = Outcome::Kind::failed;
      switch (kind) {
        case Kind::again:
          if (item.publication.when_full == WhenFull::refuse) {
            end = Outcome::Kind::queue_full;
            error = "queue " + item.publication.routing_key + " is full";
            break;
          }
          delayed_.push_back({Clock::now() + kNackPause, std::move(item)});
          continue;
        case Kind::suspect:
          suspects.push_back(std::move(item));
          continue;
        case Kind::done:
          end = Outcome::Kind::done;
          if (confirmed) ++status_.confirmed;
          break;
        case Kind::returned:
          ++status_.returned;
          break;
        case Kind::refused:
          break;
      }
      outbox_.release(item);
      if (confirmed) outcomes.push_back({item.id, end, std::move(error)});
    }
    outbox_.put_back(std::move(suspects));
  }
  post(std::move(outcomes));
}

void Publisher::put_back_delayed() {
  if (delayed_.empty()) return;
  const auto now = Clock::now();
  std::vector<OutboxItem> due;
  std::erase_if(delayed_, [&](Delayed& delayed) {
    if (delayed.due > now) return false;
    due.push_back(std::move(delayed.item));
    return true;
  });
  const std::lock_guard lock(mutex_);
  outbox_.put_back(std::move(due));
}

void Publisher::connection_lost(PublishingSession& session) {
  settle(session);
  std::vector<OutboxItem> unconfirmed = session.take_unconfirmed();
  for (Delayed& delayed : delayed_) unconfirmed.push_back(std::move(delayed.item));
  delayed_.clear();
  const std::lock_guard lock(mutex_);
  status_.connected = false;
  status_.blocked = false;
  outbox_.put_back(std::move(unconfirmed));
  outbox_.drop_transient(kTransientKeptOffline);
}

void Publisher::fail_remaining() {
  std::vector<Outcome> outcomes;
  {
    const std::lock_guard lock(mutex_);
    while (auto item = outbox_.take()) {
      outbox_.release(*item);
      if (item->publication.durability == Durability::confirmed) {
        outcomes.push_back({item->id, Outcome::Kind::failed,
                            "the worker stops before the broker took the message"});
      }
    }
  }
  post(std::move(outcomes));
}

bool Publisher::finished() {
  if (interrupter_.interrupted()) return true;
  const std::lock_guard lock(mutex_);
  if (!stop_at_) return false;
  return outbox_.messages() == 0 || Clock::now() >= *stop_at_;
}

// Until the socket is readable, there is something to do, or time is up.
void Publisher::wait(int socket, Clock::duration at_most) {
  auto until = Clock::now() + at_most;
  for (const Delayed& delayed : delayed_) until = std::min(until, delayed.due);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd events[] = {
      {wake_descriptor_, POLLIN, 0}, {interrupter_.descriptor(), POLLIN, 0}, {socket, POLLIN, 0}};
  ::poll(events, socket >= 0 ? 3 : 2, static_cast<int>(std::max<std::int64_t>(left, 0)));
  if ((events[0].revents & POLLIN) == 0) return;
  eventfd_t count = 0;
  ::eventfd_read(wake_descriptor_, &count);
  const std::lock_guard lock(mutex_);
  woken_ = false;
}

void Publisher::post(std::vector<Outcome> outcomes) {
  if (outcomes.empty()) return;
  loop_.post([this, outcomes = std::move(outcomes), alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    for (const Outcome& outcome : outcomes) on_outcome_(outcome);
  });
}

}  // namespace celeriac::worker::amqp
