#include "worker/consumer/redeliveries.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "worker/log/log.h"

namespace celeriac::worker {
namespace {

constexpr std::size_t kRemembered = 10000;
constexpr std::chrono::milliseconds kDay = std::chrono::days(1);
constexpr std::uint8_t kPersistent = 2;

constexpr const char* kCount = R"(
local count = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return count)";

// A retry has the same id; it is another message.
std::string name_of(const protocol::TaskMessage& message) {
  return message.id + "-" + std::to_string(message.retries);
}

// What a quorum queue counts.
std::int64_t counted_by_broker(const protocol::TaskMessage& message) {
  const Json* count = message.properties.headers.find("x-delivery-count");
  return count ? count->as_int().value_or(0) : 0;
}

protocol::Queue counting_queue(const std::string& message, std::int64_t limit) {
  protocol::Queue queue;
  queue.name = "celeriac.redelivered." + std::to_string(limit) + "." + message;
  queue.routing_key = queue.name;
  queue.arguments.set("x-queue-type", "classic");
  queue.arguments.set("x-max-length", limit - 1);
  queue.arguments.set("x-overflow", "reject-publish");
  queue.arguments.set("x-expires", kDay.count());
  return queue;
}

}  // namespace

// A quorum queue also counts a message that had only been fetched by a worker that another one
// killed. Redis and a queue of our own know better: there what begins to run is counted.
Async<std::int64_t> Redeliveries::count(const TaskRequest& request, std::int64_t limit) {
  const std::string name = name_of(request.message);
  const bool expected = here_.contains(name);
  const std::int64_t here = ++known(name).count;
  const std::int64_t by_broker = counted_by_broker(request.message);
  if (redis_) {
    const std::optional<std::int64_t> together = co_await count_in_redis(name);
    co_return std::max(here, together.value_or(by_broker));
  }
  // After an early ack no run brings a message back.
  if (by_broker > 0 || expected || !request.type.acks_late) co_return std::max(here, by_broker);
  protocol::Queue queue = counting_queue(name, limit);
  known(name).queue = queue.name;
  const bool fits = co_await count_in_queue(std::move(queue));
  co_return fits ? here : std::max(here, limit);
}

void Redeliveries::expect(const protocol::TaskMessage& message) {
  known(name_of(message));
}

void Redeliveries::forget(const protocol::TaskMessage& message) {
  const auto place = here_.find(name_of(message));
  if (place == here_.end()) return;
  const std::string queue = std::exchange(place->second.queue, {});
  if (!queue.empty()) broker_.delete_queue(queue);
}

Redeliveries::Known& Redeliveries::known(const std::string& message) {
  const auto [place, added] = here_.try_emplace(message);
  if (added) {
    oldest_.push_back(message);
    if (oldest_.size() > kRemembered) {
      here_.erase(oldest_.front());
      oldest_.pop_front();
    }
  }
  return place->second;
}

Async<bool> Redeliveries::count_in_queue(protocol::Queue queue) {
  Publication one;
  one.routing_key = queue.name;
  one.properties.delivery_mode = kPersistent;
  one.when_full = WhenFull::refuse;
  one.declare_queues.push_back(std::move(queue));
  try {
    co_await broker_.publish(std::move(one));
  } catch (const QueueFull&) {
    co_return false;
  } catch (const Error& error) {
    log::write(
        log::Level::warning, "celery.worker.consumer.consumer",
        std::string("A redelivery is not counted, so worker_delivery_limit does not see it: ") +
            error.what());
  }
  co_return true;
}

Async<std::optional<std::int64_t>> Redeliveries::count_in_redis(std::string message) {
  if (!redis_) co_return std::nullopt;
  std::string script = kCount;
  std::vector<std::string> keys{key_prefix_ + "celeriac-redelivered-" + message};
  std::vector<std::string> arguments{std::to_string(kDay.count())};
  try {
    const RedisReply reply =
        co_await redis_->eval(std::move(script), std::move(keys), std::move(arguments));
    co_return reply.integer();
  } catch (const Error& error) {
    log::write(log::Level::warning, "celery.worker.consumer.consumer",
               std::string("Redeliveries are counted without Redis for now: ") + error.what());
  }
  co_return std::nullopt;
}

}  // namespace celeriac::worker
