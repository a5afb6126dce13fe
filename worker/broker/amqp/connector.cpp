#include "worker/broker/amqp/connector.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <optional>
#include <random>

#include "worker/broker/amqp/broker_error.h"
#include "worker/broker/amqp/consuming_connection.h"
#include "worker/broker/backoff.h"
#include "worker/log/log.h"

namespace celeriac::worker::amqp {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLogger = "celery.worker.consumer.connection";
// The queue of remote control bears the node's name, and one connection alone may have it.
constexpr std::string_view kNameTaken =
    "Does another worker run under this name? Give each its own with -n. ";

enum class Hope { retry, none };

// Whether the same attempt may succeed later.
Hope judge(const BrokerError& error, ConnectPlan::Phase phase) {
  if (error.scope() == BrokerError::Scope::transport) return Hope::retry;
  // A queue that a dying connection of the same node still owns.
  if (error.reply_code() == kResourceLocked) return Hope::retry;
  if (error.scope() == BrokerError::Scope::channel) return Hope::none;
  // Users and virtual hosts may still be on their way when a known broker comes back.
  if (phase == ConnectPlan::Phase::reconnect) return Hope::retry;
  switch (error.reply_code()) {
    case 402:
    case kAccessRefused:
    case 501:
    case 502:
    case 503:
    case 504:
    case 505:
    case kNotAllowed:
    case 540:
      return Hope::none;
    default:
      return Hope::retry;
  }
}

void declare_queues(Connection& connection, const std::vector<ConsumerSpec>& consumers) {
  for (const amqp_channel_t channel : kConsumingChannels) connection.open_channel(channel);
  for (const ConsumerSpec& consumer : consumers) {
    connection.declare(channel_of(consumer.group), consumer.queue);
  }
}

// On a channel of its own, which a refusal closes.
void declare_delayed_delivery(Connection& connection,
                              const protocol::Declarations& delayed_delivery) {
  constexpr amqp_channel_t kChannel = kConsumingChannels.back() + 1;
  if (delayed_delivery.empty()) return;
  connection.open_channel(kChannel);
  try {
    connection.declare(kChannel, delayed_delivery);
    connection.close_channel(kChannel);
  } catch (const BrokerError& error) {
    if (error.scope() != BrokerError::Scope::channel) throw;
    amqp_channel_close_ok_t ok{};
    amqp_send_method(connection.get(), kChannel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    log::write(log::Level::warning, "celery.worker.consumer.delayed_delivery",
               "Failed to setup delayed delivery for '" + connection.display_url() +
                   "': " + error.what() + ". Tasks with an eta wait in the workers.");
  }
}

Connection attempt(const std::string& url, const ConnectPlan& plan, const BrokerSettings& settings,
                   Interrupter& interrupter) {
  Connection connection = Connection::open(url, settings, Connection::Role::consuming, interrupter);
  const Interrupter::Watched watched(interrupter, connection.socket());
  try {
    declare_queues(connection, plan.consumers);
    declare_delayed_delivery(connection, plan.delayed_delivery);
  } catch (const BrokerError& error) {
    if (error.scope() == BrokerError::Scope::channel) connection.close();
    throw;
  }
  return connection;
}

void sleep(std::chrono::milliseconds delay, Interrupter& interrupter) {
  pollfd event{interrupter.descriptor(), POLLIN, 0};
  ::poll(&event, 1, static_cast<int>(delay.count()));
}

void stop_if_interrupted(const Interrupter& interrupter) {
  if (interrupter.interrupted()) throw Error("connecting was given up: the worker stops");
}

std::string retry_text(std::chrono::milliseconds delay, std::uint32_t retries,
                       const std::optional<std::uint32_t>& max_retries) {
  char seconds[32];
  std::snprintf(seconds, sizeof(seconds), "%.2f", static_cast<double>(delay.count()) / 1000.0);
  std::string text =
      "Trying again in " + std::string(seconds) + " seconds... (" + std::to_string(retries);
  if (max_retries) text += "/" + std::to_string(*max_retries);
  return text + ")";
}

std::string disabled_text(ConnectPlan::Phase phase) {
  return std::string(
             "Retrying to establish a connection to the message broker after a connection loss "
             "has been disabled (app.conf.") +
         (phase == ConnectPlan::Phase::startup ? "broker_connection_retry_on_startup"
                                               : "broker_connection_retry") +
         "=False). Shutting down...";
}

// The URLs of one round, in the order in which they are tried.
std::vector<std::size_t> order_of_round(std::size_t count, std::size_t first,
                                        BrokerSettings::Failover strategy,
                                        std::mt19937_64& random) {
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = (first + i) % count;
  if (strategy == BrokerSettings::Failover::shuffle) {
    std::shuffle(order.begin(), order.end(), random);
  }
  return order;
}

// What to look at when the broker will never let us in.
std::string_view remedy(std::uint16_t reply_code) {
  switch (reply_code) {
    case kAccessRefused:
      return "; check user and password of broker_url (guest may only come from the broker's "
             "own host)";
    case kNotAllowed:
      return "; check the virtual host of broker_url, and the user's permissions on it";
    default:
      return "";
  }
}

}  // namespace

std::vector<std::string> consuming_urls(const BrokerSettings& settings) {
  if (settings.urls.empty()) return {"amqp://guest:guest@127.0.0.1:5672//"};
  return settings.urls;
}

Connected connect_consuming(const ConnectPlan& plan, const BrokerSettings& settings,
                            Interrupter& interrupter) {
  const std::vector<std::string> urls = consuming_urls(settings);
  const bool startup = plan.phase == ConnectPlan::Phase::startup;
  const bool may_retry =
      startup ? settings.connection_retry_on_startup.value_or(settings.connection_retry)
              : settings.connection_retry;
  std::mt19937_64 random(std::random_device{}());
  BackoffSchedule schedule;
  // A broker that starts together with the worker is met soon.
  if (startup) schedule.lead_in = {250ms, 500ms, 1000ms};
  Backoff backoff(schedule, random());

  if (plan.first_delay.count() > 0) sleep(plan.first_delay, interrupter);
  for (;;) {
    bool hopeless = true;
    const auto order =
        order_of_round(urls.size(), plan.first_url, settings.failover_strategy, random);
    for (const std::size_t& index : order) {
      stop_if_interrupted(interrupter);
      const std::string shown = protocol::display_url(urls[index]);
      std::string reason;
      std::uint16_t reply_code = 0;
      try {
        return {attempt(urls[index], plan, settings, interrupter), index};
      } catch (const BrokerError& error) {
        reason = error.what();
        reply_code = error.reply_code();
        if (judge(error, plan.phase) == Hope::retry) hopeless = false;
        // As Celery: what a declaration was refused with stands alone.
        if (error.scope() == BrokerError::Scope::channel && hopeless && urls.size() == 1) {
          throw Unrecoverable(reason);
        }
      }
      stop_if_interrupted(interrupter);
      const std::string text = "consumer: Cannot connect to " + shown + ": " + reason + ". " +
                               std::string(reply_code == kResourceLocked ? kNameTaken : "");
      if (&index != &order.back()) {
        log::write(log::Level::error, kLogger, text + "Will retry using next failover.");
        continue;
      }
      if (hopeless) {
        throw Unrecoverable("Cannot connect to " + shown + ": " + reason +
                            std::string(remedy(reply_code)));
      }
      if (!may_retry) throw Unrecoverable(text + disabled_text(plan.phase));
      if (settings.connection_max_retries &&
          backoff.attempts() >= *settings.connection_max_retries) {
        throw Unrecoverable("Cannot connect to " + shown + ": " + reason + " (gave up after " +
                            std::to_string(backoff.attempts()) + " retries)");
      }
      const std::chrono::milliseconds delay = backoff.next();
      log::write(log::Level::error, kLogger,
                 text + retry_text(delay, backoff.attempts(), settings.connection_max_retries));
      sleep(delay, interrupter);
    }
  }
}

}  // namespace celeriac::worker::amqp
