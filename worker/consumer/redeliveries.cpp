#include "worker/consumer/redeliveries.h"

#include <algorithm>

#include "worker/log/log.h"

namespace celeriac::worker {
namespace {

constexpr std::size_t kRemembered = 10000;
constexpr const char* kDay = "86400";

constexpr const char* kCount = R"(
local count = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
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

}  // namespace

// A quorum queue also counts a message that had only been fetched by a worker that another one
// killed. Redis knows better: there what has begun to run is counted.
Async<std::int64_t> Redeliveries::count(const TaskRequest& request) {
  const std::string name = name_of(request.message);
  const std::int64_t here = count_here(name);
  const std::optional<std::int64_t> together = co_await count_in_redis(name);
  co_return std::max(here, together.value_or(counted_by_broker(request.message)));
}

std::int64_t Redeliveries::count_here(const std::string& message) {
  const auto [place, added] = here_.try_emplace(message, 0);
  const std::int64_t count = ++place->second;
  if (added) {
    oldest_.push_back(message);
    if (oldest_.size() > kRemembered) {
      here_.erase(oldest_.front());
      oldest_.pop_front();
    }
  }
  return count;
}

Async<std::optional<std::int64_t>> Redeliveries::count_in_redis(std::string message) {
  if (!redis_) co_return std::nullopt;
  std::string script = kCount;
  std::vector<std::string> keys{key_prefix_ + "celeriac-redelivered-" + message};
  std::vector<std::string> arguments{kDay};
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
