#include <algorithm>
#include <random>

#include "tasks/alerts/pipeline.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

// Up to a quarter more, so that what failed together does not come back together.
Milliseconds with_jitter(Milliseconds time) {
  static thread_local std::minstd_rand random(std::random_device{}());
  std::uniform_int_distribution<std::int64_t> extra(0, time.count() / 4);
  return time + Milliseconds(extra(random));
}

}  // namespace

Milliseconds Patience::after(std::int64_t retries) const {
  constexpr Milliseconds kLongest = 10min;
  const auto doublings = std::clamp<std::int64_t>(retries, 0, 30);
  const auto factor = std::int64_t{1} << doublings;
  const auto time = backoff > kLongest / factor ? kLongest : backoff * factor;
  return with_jitter(time);
}

Patience patience_of(const Rule* rule) {
  const Rule fallback;
  const Rule& of = rule ? *rule : fallback;
  return {of.max_retries, of.retry_backoff};
}

TaskError failure(std::string type, const std::string& text) {
  return TaskError(std::move(type), text, "celeriac.alerts");
}

void throw_store_trouble(Context& ctx, const Patience& patience, const std::string& trouble) {
  const auto text = "the cache of told alarms cannot be asked: " + trouble;
  const auto retries = ctx.request().retries;
  if (retries >= patience.max_retries) {
    throw failure("StoreError", text + "; check `redis` of the alert rules and that it runs");
  }
  RetryOptions options;
  options.countdown = patience.after(retries);
  options.max_retries = patience.max_retries;
  options.reason = text;
  throw ctx.retry(std::move(options));
}

bool carries_on(const Request& request) {
  return request.chain.truthy() || request.chord.truthy();
}

Signature step(const char* task, const Json& argument, const Rule* rule) {
  Json::Array arguments;
  arguments.push_back(argument);
  Signature signature(task, std::move(arguments));
  if (rule && rule->queue) signature.set("queue", *rule->queue);
  return signature;
}

std::unique_ptr<Claims> Pipeline::claims(Context& ctx) {
  if (config_.redis) return std::make_unique<RedisClaims>(ctx.redis(*config_.redis));
  return std::make_unique<LocalClaims>(memory_, [&ctx] { return ctx.now(); });
}

std::unique_ptr<Pace> Pipeline::pace(Context& ctx) {
  if (config_.redis) return std::make_unique<RedisPace>(ctx.redis(*config_.redis));
  return std::make_unique<LocalPace>(lines_, [&ctx] { return ctx.now(); });
}

}  // namespace celeriac::alerts
