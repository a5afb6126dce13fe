#include <celeriac/error.h>

#include <algorithm>
#include <set>

#include "tasks/alerts/pipeline.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

// Long enough for sendalert to be published and begin; if it takes longer, another run may claim
// the alarm too, and whichever sends first tells it.
constexpr Milliseconds kClaimLease = 60s;

std::string firing_key(const Alarm& alarm) {
  return "celeriac:firing:" + alarm.rule + ":" + alarm.key;
}

Level level_of(const Verdict& verdict) {
  switch (verdict.state) {
    case Verdict::State::normal:
      return Level::normal;
    case Verdict::State::holding:
      return Level::holding;
    case Verdict::State::broken:
      return Level::broken;
  }
  return Level::normal;
}

bool has_hysteresis(const Rule& rule) {
  const auto* compare = std::get_if<Compare>(&rule.expectation);
  return compare != nullptr && compare->recover;
}

Alarm alarm_of(const Rule& rule, const Verdict& verdict) {
  Alarm alarm;
  alarm.rule = rule.name;
  alarm.key = rule.name;  // of the run as a whole
  alarm.severity = rule.severity;
  alarm.reason = verdict.reason;
  alarm.channels = rule.channels;
  if (!verdict.row) return alarm;
  alarm.row = *verdict.row;
  alarm.key = std::get<std::string>(alarm_key(rule, *verdict.row));  // examined before
  return alarm;
}

}  // namespace

std::string claim_key(const Alarm& alarm, const std::string& channel) {
  return "celeriac:alert:" + alarm.rule + ":" + channel + ":" + alarm.key;
}

Async<std::vector<Alarm>> Pipeline::alarms_of(Claims* claims, const Rule* rule,
                                              std::vector<Verdict> verdicts) {
  std::vector<Alarm> all;
  for (const auto& verdict : verdicts) all.push_back(alarm_of(*rule, verdict));
  std::vector<bool> alarming;
  if (has_hysteresis(*rule)) {
    Keys keys;
    std::vector<Level> levels;
    for (std::size_t i = 0; i < all.size(); ++i) {
      keys.push_back(firing_key(all[i]));
      levels.push_back(level_of(verdicts[i]));
    }
    alarming = co_await claims->observe(std::move(keys), std::move(levels));
  } else {
    for (const auto& verdict : verdicts) {
      alarming.push_back(verdict.state == Verdict::State::broken);
    }
  }
  // Rows under one key are one alarm.
  std::set<std::string> seen;
  std::vector<Alarm> alarms;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (alarming[i] && seen.insert(all[i].key).second) alarms.push_back(std::move(all[i]));
  }
  co_return alarms;
}

Async<Pipeline::Found> Pipeline::find_alarms(Context& ctx, const Fetched* fetched) {
  const auto claims = this->claims(ctx);
  std::vector<Alarm> alarms;
  for (const auto& result : fetched->results) {
    const Rule& rule = rule_named(result.rule);
    auto examined = examine(rule, result.rows, ctx.now());
    if (const auto* mistake = std::get_if<Mistake>(&examined)) {
      throw failure("RuleError", mistake->text);
    }
    auto verdicts = std::move(std::get<Judgement>(examined).verdicts);
    auto more = co_await alarms_of(claims.get(), &rule, std::move(verdicts));
    std::move(more.begin(), more.end(), std::back_inserter(alarms));
  }
  Keys keys;
  for (const auto& alarm : alarms) {
    for (const auto& channel : alarm.channels) keys.push_back(claim_key(alarm, channel));
  }
  const auto reserved = co_await claims->reserve(std::move(keys), ctx.request().id, kClaimLease);
  Found found;
  std::size_t next = 0;
  for (auto& alarm : alarms) {
    std::vector<std::string> channels;
    for (auto& channel : alarm.channels) {
      if (reserved[next++]) channels.push_back(std::move(channel));
    }
    alarm.channels = std::move(channels);
    if (alarm.channels.empty()) {
      ++found.suppressed;
      ctx.count("celeriac_alert_suppressed_total",
                {{"rule", alarm.rule}, {"reason", "already told"}});
    } else {
      found.alarms.push_back(std::move(alarm));
    }
  }
  co_return found;
}

Async<Json> Pipeline::cache(Context& ctx, Json rule, Json rows) {
  const auto fetched = fetched_from_json(rule, rows);
  Found found;
  std::string trouble;
  try {
    found = co_await find_alarms(ctx, &fetched);
  } catch (const RedisError& error) {
    trouble = error.what();
  } catch (const Timeout& error) {
    trouble = error.what();
  } catch (const ConnectionLost& error) {
    trouble = error.what();
  }
  const Rule* first = fetched.results.empty() ? nullptr : &rule_named(fetched.results.front().rule);
  if (!trouble.empty()) throw_store_trouble(ctx, patience_of(first), trouble);

  Claimed claimed;
  claimed.task = fetched.task;
  if (!fetched.task) claimed.rule = fetched.results.front().rule;
  claimed.token = ctx.request().id;
  claimed.alarms = std::move(found.alarms);
  if (!claimed.alarms.empty() || found.suppressed > 0) {
    ctx.log().info(claimed.run() + ": " + std::to_string(claimed.alarms.size()) +
                   " alarms to tell, " + std::to_string(found.suppressed) + " told before");
  }
  if (carries_on(ctx.request())) co_return to_json(claimed);
  JsonObject summary;
  summary.set(claimed.task ? "task" : "rule", claimed.run());
  summary.set("alarms", claimed.alarms.size());
  summary.set("suppressed", found.suppressed);
  if (!claimed.alarms.empty()) {
    const auto next = step(kSendAlert, to_json(claimed), first);
    const auto sent = co_await ctx.send(next);
    summary.set("next", sent.id);
  }
  co_return Json(std::move(summary));
}

}  // namespace celeriac::alerts
