// What the Redis backend runs inside Redis, so that it happens in one step.
//
// The keys of a chord, and when each is written, are those of Celery 5.7 (backends/redis.py), for
// its workers and clients count the same chords:
//
//   <group>.j  the parts' results: a sorted set by their place in the header, or a list
//   <group>.d  `id:place` of the parts that were counted: one that ran twice counts once
//   <group>.s  how many parts there are; what publishes the header writes it
//   <group>.t  how many were added since (Task.add_to_chord)
//   <group>.c  who publishes the body: a token for some seconds, then `done`
//
// Workers before 5.7 know neither .d nor .c; with them, too, the last part finds all results.
#pragma once

namespace celeriac::worker::redis_scripts {

// KEYS: the result. ARGV: document, ttl. One round trip for Celery's GET and MULTI … EXEC. The
// check looks at the first bytes alone: every Celery writes the status first.
inline constexpr const char* kStore = R"(
if redis.call('GETRANGE', KEYS[1], 0, 19) == '{"status": "SUCCESS"' then return 0 end
if tonumber(ARGV[2]) > 0 then
  redis.call('SETEX', KEYS[1], ARGV[2], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1])
end
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 1)";

// KEYS: what is written, then what was valid until now. ARGV: value, ttl.
inline constexpr const char* kReplace = R"(
if #KEYS > 1 then redis.call('DEL', unpack(KEYS, 2)) end
if tonumber(ARGV[2]) > 0 then
  redis.call('SETEX', KEYS[1], ARGV[2], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1])
end
return 1)";

inline constexpr const char* kDelete = "return redis.call('DEL', unpack(KEYS))";

// KEYS: .j .d .s .t .c and the saved group. ARGV: place, result, task id, "ordered" or "as
// completed", size from a signature of Celery 4 or "", ttl, ttl of the saved group, token, and how
// many milliseconds it claims the body.
//
// Nil: parts are missing. An array of the saved group and the results: this token has the claim. A
// number: another one has it, for so many milliseconds; 0 if the body is out.
inline constexpr const char* kCountPart = R"(
local results, counted, size_key, added_key, claim, group = unpack(KEYS)
local ordered = ARGV[4] == 'ordered'
local owner = redis.call('GET', claim)
if owner == 'done' then return 0 end

if redis.call('SADD', counted, ARGV[3] .. ':' .. ARGV[1]) == 1 then
  if ordered then
    redis.call('ZADD', results, ARGV[1], ARGV[2])
  else
    redis.call('RPUSH', results, ARGV[2])
  end
end
if tonumber(ARGV[6]) > 0 then
  for i = 1, 4 do redis.call('EXPIRE', KEYS[i], ARGV[6]) end
  if tonumber(ARGV[7]) > 0 then redis.call('EXPIRE', group, ARGV[7]) end
end

local size = tonumber(redis.call('GET', size_key) or ARGV[5])
local count = redis.call(ordered and 'ZCARD' or 'LLEN', results)
if not size or count ~= size + tonumber(redis.call('GET', added_key) or 0) then return false end
if owner and owner ~= ARGV[8] then return math.max(1, redis.call('PTTL', claim)) end
redis.call('SET', claim, ARGV[8], 'PX', ARGV[9])
return {redis.call('GET', group), redis.call(ordered and 'ZRANGE' or 'LRANGE', results, 0, -1)})";

// KEYS: .c .s. ARGV: token, milliseconds. 1: it still has the claim, or has it again after it had
// run out. 0: another one has it.
inline constexpr const char* kKeepClaim = R"(
local owner = redis.call('GET', KEYS[1])
if not owner and redis.call('EXISTS', KEYS[2]) == 1 then owner = ARGV[1] end
if owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1)";

// KEYS: .c .j .d .s .t. ARGV: token, for how many milliseconds parts that come late find the chord
// done. 0: another one has the claim.
inline constexpr const char* kForgetChord = R"(
local owner = redis.call('GET', KEYS[1])
if owner == 'done' then return 1 end
if owner ~= ARGV[1] then return 0 end
redis.call('DEL', unpack(KEYS, 2))
redis.call('SET', KEYS[1], 'done', 'PX', ARGV[2])
return 1)";

}  // namespace celeriac::worker::redis_scripts
