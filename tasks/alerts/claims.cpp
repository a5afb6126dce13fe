#include "tasks/alerts/claims.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace celeriac::alerts {
namespace {

using Repeat = RedisClient::Repeat;

// A key's value: "claimed TOKEN", "sending TOKEN NUMBER" or "told TOKEN".
std::string claimed_by(const std::string& token) {
  return "claimed " + token;
}
std::string sent_by(const Attempt& attempt) {
  return "sending " + attempt.token + " " + attempt.number;
}
std::string told_by(const std::string& token) {
  return "told " + token;
}

// How long it is remembered that an alarm fires, after the last run that saw it do so.
constexpr Milliseconds kFiringFor = std::chrono::hours(24);

// Every script may run twice: the second time changes nothing.

// ARGV: the value of this claim, lease.
constexpr const char* kReserve = R"(
local answers = {}
for i, key in ipairs(KEYS) do
  local held = redis.call('GET', key)
  if not held or held == ARGV[1] then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    answers[i] = 1
  else
    answers[i] = 0
  end
end
return answers)";

// ARGV: the value of this attempt, lease. Answers -1 for mine, -2 for told, else the time in
// milliseconds for which another attempt may still be at it.
constexpr const char* kTake = R"(
local answers = {}
for i, key in ipairs(KEYS) do
  local held = redis.call('GET', key)
  if not held or held == ARGV[1] or string.sub(held, 1, 8) == 'claimed ' then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    answers[i] = -1
  elseif string.sub(held, 1, 5) == 'told ' then
    answers[i] = -2
  else
    answers[i] = math.max(redis.call('PTTL', key), 0)
  end
end
return answers)";

// ARGV: the value, then a time for each key.
constexpr const char* kConfirm = R"(
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[1], 'PX', ARGV[i + 1])
end
return #KEYS)";

// ARGV: the value of this attempt, that of its claim, lease.
constexpr const char* kKeep = R"(
for _, key in ipairs(KEYS) do
  local held = redis.call('GET', key)
  if held == ARGV[1] or held == ARGV[2] then
    redis.call('SET', key, ARGV[2], 'PX', ARGV[3])
  end
end
return #KEYS)";

// ARGV: the value of this attempt, that of its claim.
constexpr const char* kRelease = R"(
for _, key in ipairs(KEYS) do
  local held = redis.call('GET', key)
  if held == ARGV[1] or held == ARGV[2] then
    redis.call('DEL', key)
  end
end
return #KEYS)";

// ARGV: time, then for each key broken, holding or normal.
constexpr const char* kObserve = R"(
local answers = {}
for i, key in ipairs(KEYS) do
  local level = ARGV[i + 1]
  local firing = level == 'broken' or (level == 'holding' and redis.call('EXISTS', key) == 1)
  if firing then
    redis.call('SET', key, 'firing', 'PX', ARGV[1])
    answers[i] = 1
  else
    if level == 'normal' then redis.call('DEL', key) end
    answers[i] = 0
  end
end
return answers)";

std::string milliseconds(Milliseconds time) {
  return std::to_string(time.count());
}

std::string level_name(Level level) {
  switch (level) {
    case Level::normal:
      return "normal";
    case Level::holding:
      return "holding";
    case Level::broken:
      return "broken";
  }
  return "normal";
}

std::vector<bool> read_flags(const RedisReply& reply, std::size_t count) {
  std::vector<bool> flags;
  for (const auto& item : reply.array()) flags.push_back(item.integer() == 1);
  if (flags.size() != count) throw RedisError("Redis answered for another number of alarms");
  return flags;
}

}  // namespace

Async<std::vector<bool>> RedisClaims::reserve(Keys keys, std::string token, Milliseconds lease) {
  const auto count = keys.size();
  if (count == 0) co_return std::vector<bool>();
  std::vector<std::string> arguments;
  arguments.push_back(claimed_by(token));
  arguments.push_back(milliseconds(lease));
  auto reply =
      co_await redis_.eval(kReserve, std::move(keys), std::move(arguments), Repeat::allowed);
  co_return read_flags(reply, count);
}

Async<std::vector<Taken>> RedisClaims::take(Keys keys, Attempt attempt, Milliseconds lease) {
  std::vector<Taken> taken;
  const auto count = keys.size();
  if (count == 0) co_return taken;
  std::vector<std::string> arguments;
  arguments.push_back(sent_by(attempt));
  arguments.push_back(milliseconds(lease));
  auto reply = co_await redis_.eval(kTake, std::move(keys), std::move(arguments), Repeat::allowed);
  for (const auto& item : reply.array()) {
    const auto answer = item.integer();
    const auto kind = answer == -1   ? Taken::Kind::mine
                      : answer == -2 ? Taken::Kind::told
                                     : Taken::Kind::busy;
    taken.push_back({kind, Milliseconds(std::max<std::int64_t>(answer, 0))});
  }
  if (taken.size() != count) throw RedisError("Redis answered for another number of alarms");
  co_return taken;
}

Async<void> RedisClaims::confirm(Keys keys, std::string token, std::vector<Milliseconds> times) {
  if (keys.empty()) co_return;
  std::vector<std::string> arguments;
  arguments.push_back(told_by(token));
  for (const auto time : times) arguments.push_back(milliseconds(time));
  co_await redis_.eval(kConfirm, std::move(keys), std::move(arguments), Repeat::allowed);
}

Async<void> RedisClaims::keep(Keys keys, Attempt attempt, Milliseconds lease) {
  if (keys.empty()) co_return;
  std::vector<std::string> arguments;
  arguments.push_back(sent_by(attempt));
  arguments.push_back(claimed_by(attempt.token));
  arguments.push_back(milliseconds(lease));
  co_await redis_.eval(kKeep, std::move(keys), std::move(arguments), Repeat::allowed);
}

Async<void> RedisClaims::release(Keys keys, Attempt attempt) {
  if (keys.empty()) co_return;
  std::vector<std::string> arguments;
  arguments.push_back(sent_by(attempt));
  arguments.push_back(claimed_by(attempt.token));
  co_await redis_.eval(kRelease, std::move(keys), std::move(arguments), Repeat::allowed);
}

Async<std::vector<bool>> RedisClaims::observe(Keys keys, std::vector<Level> levels) {
  const auto count = keys.size();
  if (count == 0) co_return std::vector<bool>();
  std::vector<std::string> arguments;
  arguments.push_back(milliseconds(kFiringFor));
  for (const auto level : levels) arguments.push_back(level_name(level));
  auto reply =
      co_await redis_.eval(kObserve, std::move(keys), std::move(arguments), Repeat::allowed);
  co_return read_flags(reply, count);
}

const ClaimMemory::Entry* ClaimMemory::find(const std::string& key, Time now) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  if (found->second.until > now) return &found->second;
  entries_.erase(found);
  return nullptr;
}

void ClaimMemory::set(const std::string& key, std::string value, Time until) {
  entries_.insert_or_assign(key, Entry{std::move(value), until});
}

void ClaimMemory::drop_ended(Time now) {
  if (entries_.size() < drop_at_) return;
  std::erase_if(entries_, [now](const auto& entry) { return entry.second.until <= now; });
  drop_at_ = std::max<std::size_t>(1024, 2 * entries_.size());
}

Async<std::vector<bool>> LocalClaims::reserve(Keys keys, std::string token, Milliseconds lease) {
  const auto now = clock_();
  memory_.drop_ended(now);
  std::vector<bool> held;
  for (const auto& key : keys) {
    const auto* entry = memory_.find(key, now);
    held.push_back(entry == nullptr || entry->value == claimed_by(token));
    if (held.back()) memory_.set(key, claimed_by(token), now + lease);
  }
  co_return held;
}

Async<std::vector<Taken>> LocalClaims::take(Keys keys, Attempt attempt, Milliseconds lease) {
  const auto now = clock_();
  std::vector<Taken> taken;
  for (const auto& key : keys) {
    const auto* entry = memory_.find(key, now);
    if (entry == nullptr || entry->value == sent_by(attempt) ||
        entry->value.starts_with("claimed ")) {
      memory_.set(key, sent_by(attempt), now + lease);
      taken.push_back({Taken::Kind::mine});
    } else if (entry->value.starts_with("told ")) {
      taken.push_back({Taken::Kind::told});
    } else {
      taken.push_back({Taken::Kind::busy, std::chrono::ceil<Milliseconds>(entry->until - now)});
    }
  }
  co_return taken;
}

Async<void> LocalClaims::confirm(Keys keys, std::string token, std::vector<Milliseconds> times) {
  const auto now = clock_();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    memory_.set(keys[i], told_by(token), now + times[i]);
  }
  co_return;
}

Async<void> LocalClaims::keep(Keys keys, Attempt attempt, Milliseconds lease) {
  const auto now = clock_();
  for (const auto& key : keys) {
    const auto* entry = memory_.find(key, now);
    if (entry == nullptr) continue;
    if (entry->value != sent_by(attempt) && entry->value != claimed_by(attempt.token)) continue;
    memory_.set(key, claimed_by(attempt.token), now + lease);
  }
  co_return;
}

Async<void> LocalClaims::release(Keys keys, Attempt attempt) {
  const auto now = clock_();
  for (const auto& key : keys) {
    const auto* entry = memory_.find(key, now);
    if (entry == nullptr) continue;
    if (entry->value == sent_by(attempt) || entry->value == claimed_by(attempt.token)) {
      memory_.erase(key);
    }
  }
  co_return;
}

Async<std::vector<bool>> LocalClaims::observe(Keys keys, std::vector<Level> levels) {
  const auto now = clock_();
  std::vector<bool> firing;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const bool was = memory_.find(keys[i], now) != nullptr;
    firing.push_back(levels[i] == Level::broken || (levels[i] == Level::holding && was));
    if (firing.back()) {
      memory_.set(keys[i], "firing", now + kFiringFor);
    } else if (levels[i] == Level::normal) {
      memory_.erase(keys[i]);
    }
  }
  co_return firing;
}

}  // namespace celeriac::alerts
