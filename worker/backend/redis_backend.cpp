#include "worker/backend/redis_backend.h"

#include <algorithm>
#include <chrono>

#include "protocol/url/url.h"
#include "worker/clients/redis_address.h"
#include "worker/log/log.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLogger = "celery.backends.redis";

// One round trip for Celery's GET and MULTI … EXEC. The check looks at the first bytes alone:
// every Celery writes the status first.
constexpr const char* kStore = R"(
if redis.call('GETRANGE', KEYS[1], 0, 19) == '{"status": "SUCCESS"' then return 0 end
if tonumber(ARGV[2]) > 0 then
  redis.call('SETEX', KEYS[1], ARGV[2], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1])
end
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 1)";

constexpr const char* kSet = R"(
if tonumber(ARGV[2]) > 0 then
  redis.call('SETEX', KEYS[1], ARGV[2], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1])
end
return 1)";

// Celery's chord counting in one step. The test is equality, so exactly one completion gets the
// members. ARGV: score, member, ttl, "ordered" or "as completed", size from an old signature or "".
constexpr const char* kChordPart = R"(
local ordered = ARGV[4] == 'ordered'
local count
if ordered then
  redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
  count = redis.call('ZCARD', KEYS[1])
else
  count = redis.call('RPUSH', KEYS[1], ARGV[2])
end
local added = tonumber(redis.call('GET', KEYS[2]) or '0')
local size = redis.call('GET', KEYS[3]) or ARGV[5]
if tonumber(ARGV[3]) > 0 then
  for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[3]) end
end
if size == '' or count ~= tonumber(size) + added then return false end
if ordered then return redis.call('ZRANGE', KEYS[1], 0, -1) end
return redis.call('LRANGE', KEYS[1], 0, -1))";

// Redis cannot take writes just now, and will again.
bool passes(std::string_view error) {
  constexpr std::string_view kTransient[] = {"LOADING",  "READONLY", "MASTERDOWN",
                                             "OOM",      "BUSY",     "CLUSTERDOWN",
                                             "TRYAGAIN", "MISCONF",  "NOREPLICAS"};
  return std::ranges::any_of(kTransient, [&](std::string_view prefix) {
    return error.find(prefix) != std::string_view::npos;
  });
}

ChordMember parse_member(const std::string& text) {
  const Json member = parse_json(text);
  const Json::Array* parts = member.as_array();
  if (!parts || parts->size() != 4) return {"", "FAILURE", Json()};
  return {(*parts)[1].string_or(""), (*parts)[2].string_or(""), (*parts)[3]};
}

}  // namespace

struct RedisBackend::Script {
  std::string text;
  std::vector<std::string> keys, arguments;
};

// Counts one write while it waits.
class RedisBackend::Waiting {
 public:
  Waiting(RedisBackend& backend, const Script& script) : backend_(backend) {
    for (const std::string& argument : script.arguments) bytes_ += argument.size();
    ++backend_.waiting_messages_;
    backend_.waiting_bytes_ += bytes_;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    --backend_.waiting_messages_;
    backend_.waiting_bytes_ -= bytes_;
  }

 private:
  RedisBackend& backend_;
  std::size_t bytes_ = 0;
};

RedisBackend::RedisBackend(Loop& loop, RedisClient& redis, ResultSettings settings)
    : loop_(loop),
      redis_(redis),
      settings_(std::move(settings)),
      subscriber_(loop, parse_redis_url(settings_.backend), {}) {}

bool RedisBackend::saturated() const {
  return waiting_messages_ >= settings_.outbox_messages || waiting_bytes_ >= settings_.outbox_bytes;
}

std::string RedisBackend::display() const {
  return protocol::display_url(settings_.backend);
}

std::string RedisBackend::key(std::string_view group_id, std::string_view suffix) const {
  return protocol::group_meta_key(settings_.global_keyprefix, group_id) + std::string(suffix);
}

Async<std::optional<RedisReply>> RedisBackend::insist(std::string what, Script script) {
  const Waiting waiting(*this, script);
  for (Clock::duration pause = 100ms;; pause = std::min<Clock::duration>(2 * pause, 10s)) {
    std::string reason;
    try {
      RedisReply reply = co_await redis_.eval(script.text, script.keys, script.arguments,
                                              RedisClient::Repeat::allowed);
      ++writes_.stored;
      co_return reply;
    } catch (const RedisError& error) {
      reason = error.what();
      if (!passes(reason)) {
        ++writes_.refused;
        log::write(log::Level::critical, kLogger, "Redis refused " + what + ": " + reason);
        co_return std::nullopt;
      }
    } catch (const Error& error) {
      reason = error.what();
    }
    log::write(log::Level::error, kLogger, "Could not store " + what + " yet: " + reason);
    co_await sleep_for(loop_, pause);
  }
}

Async<void> RedisBackend::store(StoredState state) {
  Script script;
  script.text = kStore;
  script.keys = {protocol::task_meta_key(settings_.global_keyprefix, state.document.task_id)};
  script.arguments = {protocol::encode_result(state.document), ttl()};
  std::string what = "the result of task " + state.document.task_id;
  co_await insist(std::move(what), std::move(script));
}

Async<std::optional<protocol::ResultDocument>> RedisBackend::load(std::string task_id) {
  std::string name = protocol::task_meta_key(settings_.global_keyprefix, task_id);
  const RedisReply reply = co_await redis_.command(RedisClient::Repeat::allowed, "GET", name);
  if (reply.is_nil()) co_return std::nullopt;
  co_return protocol::decode_result(reply.string());
}

// As Celery's clients do: what is stored is published under its key. Listening comes first, so
// that nothing is missed between the look and the wait.
Async<protocol::ResultDocument> RedisBackend::wait(std::string task_id) {
  const auto states =
      subscriber_.subscribe(protocol::task_meta_key(settings_.global_keyprefix, task_id));
  for (;;) {
    try {
      co_await states->ready();
      std::optional<protocol::ResultDocument> state = co_await load(task_id);
      while (!state || !protocol::is_ready_state(state->status)) {
        const std::string published = co_await states->next();
        state = protocol::decode_result(published);
      }
      co_return *std::move(state);
    } catch (const ConnectionLost& lost) {  // what was published meanwhile is stored, too
      log::write(log::Level::debug, kLogger, lost.what());
    }
  }
}

Async<void> RedisBackend::set_chord_size(protocol::SetChordSize size) {
  Script script;
  script.text = kSet;
  script.keys = {key(size.group_id, ".s")};
  script.arguments = {std::to_string(size.size), ttl()};
  std::string what = "the size of chord " + size.group_id;
  co_await insist(std::move(what), std::move(script));
}

Async<void> RedisBackend::save_group(protocol::SaveGroup group) {
  Script script;
  script.text = kSet;
  script.keys = {key(group.group_id, "")};
  const Json document = Json::object({{"result", group.result_tuple}});
  script.arguments = {dump_json(document), ttl()};
  std::string what = "the members of group " + group.group_id;
  co_await insist(std::move(what), std::move(script));
}

Async<std::optional<std::vector<ChordMember>>> RedisBackend::add_chord_part(
    protocol::ChordPart part) {
  Json::Array member{Json(1), Json(part.task_id), Json(part.state), part.result};
  const auto old_size = part.chord["chord_size"].as_int();
  Script script;
  script.text = kChordPart;
  script.keys = {key(part.group_id, ".j"), key(part.group_id, ".t"), key(part.group_id, ".s")};
  script.arguments = {part.group_index ? std::to_string(*part.group_index) : "+inf",
                      dump_json(Json(std::move(member))), ttl(),
                      settings_.chord_ordered ? "ordered" : "as completed",
                      old_size ? std::to_string(*old_size) : ""};
  std::string what = "a part of chord " + part.group_id;
  const std::optional<RedisReply> reply = co_await insist(std::move(what), std::move(script));
  if (!reply || reply->is_nil()) co_return std::nullopt;
  std::vector<ChordMember> members;
  for (const RedisReply& text : reply->array()) members.push_back(parse_member(text.string()));
  co_return members;
}

Async<void> RedisBackend::forget_chord(std::string group_id) {
  std::string members = key(group_id, ".j"), added = key(group_id, ".t"),
              size = key(group_id, ".s");
  co_await redis_.command(RedisClient::Repeat::allowed, "DEL", members, added, size);
}

Async<void> RedisBackend::give_up_chord(std::string group_id) {
  std::string size = key(group_id, ".s");
  co_await redis_.command(RedisClient::Repeat::allowed, "DEL", size);
}

Async<Json> RedisBackend::load_group(std::string group_id) {
  std::string name = key(group_id, "");
  const RedisReply reply = co_await redis_.command(RedisClient::Repeat::allowed, "GET", name);
  if (reply.is_nil()) co_return Json();
  const Json document = parse_json(reply.string());
  co_return document["result"];
}

Async<void> RedisBackend::grow_chord(std::string group_id) {
  std::string added = key(group_id, ".t");
  co_await redis_.command("INCR", added);
}

}  // namespace celeriac::worker
