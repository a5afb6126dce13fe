#include "tasks/alerts/pace.h"

#include <algorithm>
#include <vector>

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;
using Repeat = RedisClient::Repeat;

// KEYS: the turns, the end of a pause. ARGV: per second, per minute, patience. Answers whether
// a turn was taken, and the wait. Mirrors Line::next.
constexpr const char* kNext = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local turns = redis.call('LRANGE', KEYS[1], 0, -1)
local turn = math.max(now, tonumber(redis.call('GET', KEYS[2]) or '0'))
local per_second, per_minute = tonumber(ARGV[1]), tonumber(ARGV[2])
local spacing = per_second > 0 and math.ceil(1000 / per_second) or 0
if #turns > 0 then turn = math.max(turn, tonumber(turns[#turns]) + spacing) end
if per_minute > 0 and #turns >= per_minute then
  turn = math.max(turn, tonumber(turns[#turns - per_minute + 1]) + 60000)
end
if turn - now > tonumber(ARGV[3]) then return {0, turn - now} end
redis.call('RPUSH', KEYS[1], string.format('%d', turn))
redis.call('LTRIM', KEYS[1], -math.max(1, per_minute), -1)
redis.call('PEXPIRE', KEYS[1], string.format('%d', turn - now + 61000))
return {1, turn - now})";

// ARGV: time.
constexpr const char* kPause = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[1], string.format('%d', now + ARGV[1]), 'PX', ARGV[1])
return 1)";

// Evenly spaced: of messages that leave in one go some may be late and meet the next ones.
Milliseconds spacing(const Rate& rate) {
  if (rate.per_second == 0) return 0ms;
  return Milliseconds((1000 + rate.per_second - 1) / rate.per_second);
}

std::string turns_key(const std::string& channel) {
  return "celeriac:pace:" + channel;
}
std::string pause_key(const std::string& channel) {
  return "celeriac:pause:" + channel;
}

}  // namespace

Async<Turn> RedisPace::next(std::string channel, Rate rate, Milliseconds patience) {
  std::vector<std::string> keys, arguments;
  keys.push_back(turns_key(channel));
  keys.push_back(pause_key(channel));
  arguments.push_back(std::to_string(rate.per_second));
  arguments.push_back(std::to_string(rate.per_minute));
  arguments.push_back(std::to_string(patience.count()));
  // Twice by chance only wastes a turn.
  auto reply = co_await redis_.eval(kNext, std::move(keys), std::move(arguments), Repeat::allowed);
  const auto& answer = reply.array();
  if (answer.size() != 2) throw RedisError("Redis answered the rate's script in another form");
  const auto kind = answer[0].integer() == 1 ? Turn::Kind::taken : Turn::Kind::full;
  co_return Turn{kind, Milliseconds(answer[1].integer())};
}

Async<void> RedisPace::pause(std::string channel, Milliseconds time) {
  if (time <= 0ms) co_return;
  std::vector<std::string> keys, arguments;
  keys.push_back(pause_key(channel));
  arguments.push_back(std::to_string(time.count()));
  co_await redis_.eval(kPause, std::move(keys), std::move(arguments), Repeat::allowed);
}

Turn Line::next(const Rate& rate, Milliseconds patience, Time now) {
  Time turn = std::max(now, paused_until);
  if (!turns.empty()) turn = std::max(turn, turns.back() + spacing(rate));
  const auto per_minute = static_cast<std::size_t>(rate.per_minute);
  if (per_minute > 0 && turns.size() >= per_minute) {
    turn = std::max(turn, turns[turns.size() - per_minute] + 1min);
  }
  const auto wait = std::chrono::ceil<Milliseconds>(turn - now);
  if (wait > patience) return {Turn::Kind::full, wait};
  turns.push_back(turn);
  while (turns.size() > std::max<std::size_t>(1, per_minute)) turns.pop_front();
  return {Turn::Kind::taken, wait};
}

Async<Turn> LocalPace::next(std::string channel, Rate rate, Milliseconds patience) {
  co_return lines_[channel].next(rate, patience, clock_());
}

Async<void> LocalPace::pause(std::string channel, Milliseconds time) {
  lines_[channel].paused_until = clock_() + time;
  co_return;
}

}  // namespace celeriac::alerts
