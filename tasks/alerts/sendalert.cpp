#include <celeriac/error.h>

#include <algorithm>
#include <random>
#include <set>

#include "tasks/alerts/delivery.h"
#include "tasks/alerts/encoding.h"
#include "tasks/alerts/pipeline.h"

namespace celeriac::alerts {
namespace {

using Kind = Pipeline::Delivery::Kind;

std::string new_attempt_number() {
  static thread_local std::mt19937_64 random(std::random_device{}());
  return fingerprint(std::to_string(random()));
}

std::string joined(const std::vector<std::string>& texts) {
  std::string text;
  for (const auto& each : texts) text += (text.empty() ? "" : "; ") + each;
  return text;
}

}  // namespace

Claimed Pipeline::read_claimed(Context& ctx, const Json& rule, const Json& alarms) const {
  auto claimed = claimed_from_json(rule, alarms);
  if (claimed.token.empty()) claimed.token = ctx.request().id;
  for (auto& alarm : claimed.alarms) {
    // Called by hand, an alarm goes where its rule's alarms go.
    if (!alarm.channels.empty() || !alarm.told.empty()) continue;
    alarm.channels = rule_named(alarm.rule).channels;
  }
  return claimed;
}

Patience Pipeline::patience_for(const Claimed& claimed) const {
  Patience patience{-1, Milliseconds::max()};
  for (const auto& alarm : claimed.alarms) {
    const auto found = config_.rules.find(alarm.rule);
    const auto own = patience_of(found == config_.rules.end() ? nullptr : &found->second);
    patience.max_retries = std::max(patience.max_retries, own.max_retries);
    patience.backoff = std::min(patience.backoff, own.backoff);
  }
  return claimed.alarms.empty() ? patience_of(nullptr) : patience;
}

Async<Json> Pipeline::sendalert(Context& ctx, Json rule, Json alarms) {
  auto claimed = read_claimed(ctx, rule, alarms);
  std::string trouble;
  try {
    co_await remember_told(ctx, &claimed);
  } catch (const RedisError& error) {
    trouble = error.what();
  } catch (const Timeout& error) {
    trouble = error.what();
  } catch (const ConnectionLost& error) {
    trouble = error.what();
  }
  if (!trouble.empty()) throw_store_trouble(ctx, patience_for(claimed), trouble);

  std::set<std::string> channels;
  for (auto& alarm : claimed.alarms) {
    alarm.told.clear();
    channels.insert(alarm.channels.begin(), alarm.channels.end());
  }
  std::vector<Async<Delivery>> telling;
  for (const auto& channel : channels) telling.push_back(tell(ctx, &claimed, channel));
  auto deliveries = co_await when_all(std::move(telling));
  co_return co_await settle(ctx, &claimed, &deliveries);
}

// What an earlier attempt has sent, but could not write down.
Async<void> Pipeline::remember_told(Context& ctx, const Claimed* claimed) {
  Keys keys;
  std::vector<Milliseconds> times;
  for (const auto& alarm : claimed->alarms) {
    for (const auto& channel : alarm.told) {
      keys.push_back(claim_key(alarm, channel));
      times.push_back(dedupe_for(alarm));
    }
  }
  const auto claims = this->claims(ctx);
  co_await claims->confirm(std::move(keys), claimed->token, std::move(times));
}

Async<Pipeline::Delivery> Pipeline::tell(Context& ctx, const Claimed* claimed,
                                         std::string channel) {
  Delivery delivery;
  delivery.channel = channel;
  for (std::size_t i = 0; i < claimed->alarms.size(); ++i) {
    const auto& channels = claimed->alarms[i].channels;
    if (std::find(channels.begin(), channels.end(), channel) == channels.end()) continue;
    delivery.left.push_back(i);
  }
  const auto known = config_.channels.find(channel);
  if (known == config_.channels.end()) {
    delivery.left.clear();
    delivery.failure = "channel '" + channel + "' is not in this worker's file; add it";
    co_return delivery;
  }
  delivery.attempt = Attempt(claimed->token, new_attempt_number());
  delivery.after = patience_for(*claimed).after(claimed->tries);
  std::string trouble;
  try {
    co_await tell_all(ctx, claimed, &known->second, &delivery);
  } catch (const RedisError& error) {
    trouble = error.what();
  } catch (const Timeout& error) {
    trouble = error.what();
  } catch (const ConnectionLost& error) {
    trouble = error.what();
  }
  if (!trouble.empty()) {
    delivery.kind = Kind::troubled;
    delivery.trouble = "channel '" + channel + "': the cache of told alarms: " + trouble;
  }
  co_return delivery;
}

// Ends the task: with its result, with what to do about a refusal, or with another try for what
// is left.
Async<Json> Pipeline::settle(Context& ctx, Claimed* claimed,
                             const std::vector<Delivery>* deliveries) {
  std::vector<std::string> troubles;
  Milliseconds after(0);
  bool troubled = false;
  JsonObject sent;
  std::vector<Alarm> left = claimed->alarms;
  for (auto& alarm : left) alarm.channels.clear();
  for (const auto& delivery : *deliveries) {
    sent.set(delivery.channel, delivery.sent);
    for (const auto i : delivery.left) left[i].channels.push_back(delivery.channel);
    for (const auto i : delivery.unconfirmed) left[i].told.push_back(delivery.channel);
    if (!delivery.failure.empty()) {
      ctx.log().error(delivery.failure);
      claimed->failures.push_back(delivery.failure);
    }
    if (delivery.kind == Kind::done) continue;
    troubled = troubled || delivery.kind == Kind::troubled;
    troubles.push_back(delivery.trouble);
    after = std::max(after, delivery.after);
  }
  std::erase_if(left, [](const Alarm& a) { return a.channels.empty() && a.told.empty(); });
  const auto patience = patience_for(*claimed);
  claimed->alarms = std::move(left);
  if (!claimed->alarms.empty() && (!troubled || claimed->tries < patience.max_retries)) {
    if (troubled) ++claimed->tries;
    RetryOptions options;
    options.countdown = after;
    options.max_retries = -1;  // `tries` has the limit
    options.reason = joined(troubles);
    options.args = Json::Array{to_json(*claimed)};
    options.kwargs = JsonObject{};
    throw ctx.retry(std::move(options));
  }
  if (!claimed->alarms.empty()) {
    co_await give_up(ctx, claimed);
    claimed->failures.push_back("given up after " + std::to_string(claimed->tries + 1) +
                                " tries: " + joined(troubles) +
                                "; check that the channel answers at its `url`. The next run "
                                "finds these alarms again");
  }
  if (!claimed->failures.empty()) throw failure("ChannelError", joined(claimed->failures));
  co_return Json::object({{"sent", std::move(sent)}});
}

// Frees what nobody will send any more, so that the next run finds it again.
Async<void> Pipeline::give_up(Context& ctx, const Claimed* claimed) {
  Keys keys;
  for (const auto& alarm : claimed->alarms) {
    for (const auto& channel : alarm.channels) keys.push_back(claim_key(alarm, channel));
  }
  const Attempt attempt(claimed->token, "none");
  std::string trouble;
  const auto claims = this->claims(ctx);
  try {
    co_await claims->release(std::move(keys), attempt);
  } catch (const Error& error) {
    trouble = error.what();
  }
  // The claims end by themselves then, later.
  if (!trouble.empty()) ctx.log().warning("the alarms stay claimed for a minute: " + trouble);
}

}  // namespace celeriac::alerts
