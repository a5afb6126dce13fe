#include "worker/backend/redis_backend.h"

#include <algorithm>
#include <chrono>

#include "protocol/url/url.h"
#include "worker/backend/redis_scripts.h"
#include "worker/clients/redis_address.h"
#include "worker/execution/uuid.h"
#include "worker/log/log.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLogger = "celery.backends.redis";
// Celery's, and the least: until then a part of a finished chord that ran again counts for nothing.
constexpr std::chrono::milliseconds kDoneIsKnown = 300s;
// A frozen chord that is applied again has the ids of its last run, and clients send all parts but
// one before they say that it is a new run: until then its parts look like late ones of the last.
constexpr std::chrono::milliseconds kNewRunFollows = 2s;
constexpr std::chrono::milliseconds kShortestLook = 50ms;

std::string ttl(std::chrono::seconds duration) {
  return std::to_string(duration.count());
}
std::string milliseconds(std::chrono::milliseconds duration) {
  return std::to_string(duration.count());
}

// Redis cannot take writes just now, and will again.
bool passes(std::string_view error) {
  constexpr std::string_view kTransient[] = {"LOADING",  "READONLY", "MASTERDOWN",
                                             "OOM",      "BUSY",     "CLUSTERDOWN",
                                             "TRYAGAIN", "MISCONF",  "NOREPLICAS"};
  return std::ranges::any_of(kTransient, [&](std::string_view prefix) {
    return error.find(prefix) != std::string_view::npos;
  });
}

ChordMember parse_member(const std::string& payload, const protocol::ResultFormat& format) {
  const Json member = protocol::decode_stored(payload, format);
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
      format_(settings_.format()),
      subscriber_(loop, parse_redis_url(settings_.backend), {}) {}

bool RedisBackend::saturated() const {
  return waiting_messages_ >= settings_.outbox_messages || waiting_bytes_ >= settings_.outbox_bytes;
}

std::string RedisBackend::display() const {
  return protocol::display_url(settings_.backend);
}

// Celery's worker hears of a wrong address with its first result.
Async<void> RedisBackend::check() {
  try {
    co_await redis_.command("PING");
  } catch (const RedisError& error) {
    const std::string reason = error.what();
    if (passes(reason)) co_return;
    log::write(log::Level::error, kLogger,
               "Results cannot be stored in " + display() + ": " + reason);
  } catch (const Error&) {
    // It is away, which the client has logged; what is to be stored waits.
  }
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

// Celery, too, looks first and stores then; only plain JSON can be looked at inside Redis.
Async<bool> RedisBackend::has_succeeded(std::string task_id) {
  try {
    const std::optional<protocol::ResultDocument> known = co_await load(std::move(task_id));
    co_return known && known->status == "SUCCESS";
  } catch (const Error& error) {
    log::write(log::Level::debug, kLogger, error.what());
  }
  co_return false;
}

Async<void> RedisBackend::store(StoredState state) {
  if (!format_.is_plain_json() && co_await has_succeeded(state.document.task_id)) co_return;
  const std::chrono::seconds kept = state.document.status == "FAILURE"
                                        ? settings_.failure_expires.value_or(settings_.expires)
                                        : settings_.expires;
  Script script;
  script.text = redis_scripts::kStore;
  script.keys = {protocol::task_meta_key(settings_.global_keyprefix, state.document.task_id)};
  script.arguments = {protocol::encode_result(state.document, format_), ttl(kept)};
  std::string what = "the result of task " + state.document.task_id;
  co_await insist(std::move(what), std::move(script));
}

Async<std::optional<protocol::ResultDocument>> RedisBackend::load(std::string task_id) {
  std::string name = protocol::task_meta_key(settings_.global_keyprefix, task_id);
  const RedisReply reply = co_await redis_.command(RedisClient::Repeat::allowed, "GET", name);
  if (reply.is_nil()) co_return std::nullopt;
  co_return protocol::decode_result(reply.string(), format_);
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
        state = protocol::decode_result(published, format_);
      }
      co_return *std::move(state);
    } catch (const ConnectionLost& lost) {  // what was published meanwhile is stored, too
      log::write(log::Level::debug, kLogger, lost.what());
    }
  }
}

Async<void> RedisBackend::set_chord_size(protocol::SetChordSize size) {
  Script script;
  script.text = redis_scripts::kReplace;
  // A header that is published again is a new run: what claimed the last one is void.
  script.keys = {key(size.group_id, ".s"), key(size.group_id, ".c")};
  script.arguments = {std::to_string(size.size), ttl(settings_.kept_for_chords())};
  std::string what = "the size of chord " + size.group_id;
  co_await insist(std::move(what), std::move(script));
}

Async<void> RedisBackend::save_group(protocol::SaveGroup group) {
  Script script;
  script.text = redis_scripts::kReplace;
  script.keys = {key(group.group_id, "")};
  const Json document = Json::object({{"result", group.result_tuple}});
  script.arguments = {protocol::encode_stored(document, format_), ttl(settings_.kept_for_chords())};
  std::string what = "the members of group " + group.group_id;
  co_await insist(std::move(what), std::move(script));
}

// Celery's: twice what joining may take.
std::chrono::milliseconds RedisBackend::claim_lifetime() const {
  const std::chrono::duration<double> least = 5s;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::max(least, 2 * settings_.chord_join_timeout));
}

RedisBackend::Script RedisBackend::count_part(const protocol::ChordPart& part,
                                              const ChordClaim& claim) const {
  Json::Array member{Json(1), Json(part.task_id), Json(part.state), part.result};
  const auto old_size = part.chord["chord_size"].as_int();
  const std::string& group_id = part.group_id;
  Script script;
  script.text = redis_scripts::kCountPart;
  for (const char* suffix : {".j", ".d", ".s", ".t", ".c", ""}) {
    script.keys.push_back(key(group_id, suffix));
  }
  script.arguments = {part.group_index ? std::to_string(*part.group_index) : "+inf",
                      protocol::encode_stored(Json(std::move(member)), format_),
                      part.task_id,
                      settings_.chord_ordered ? "ordered" : "as completed",
                      old_size ? std::to_string(*old_size) : "",
                      ttl(settings_.kept_for_chords()),
                      ttl(settings_.kept_for_groups()),
                      claim.token,
                      milliseconds(claim.lifetime)};
  return script;
}

Async<std::optional<CompleteChord>> RedisBackend::add_chord_part(protocol::ChordPart part) {
  CompleteChord chord;
  chord.claim = {part.group_id, new_uuid(), claim_lifetime()};
  const Script script = count_part(part, chord.claim);
  const Clock::time_point patience = loop_.now() + kNewRunFollows;
  for (;;) {
    std::string what = "a part of chord " + part.group_id;
    Script again = script;
    const std::optional<RedisReply> reply = co_await insist(std::move(what), std::move(again));
    if (!reply || reply->is_nil()) co_return std::nullopt;
    if (const auto claimed = reply->as_integer()) {
      if (*claimed == 0 && loop_.now() >= patience) co_return std::nullopt;
      co_await sleep_for(loop_, std::max(std::chrono::milliseconds(*claimed), kShortestLook));
      continue;
    }
    const RedisReply::Array& found = reply->array();
    if (!found.at(0).is_nil()) {
      chord.saved_group = protocol::decode_stored(found[0].string(), format_)["result"];
    }
    for (const RedisReply& text : found.at(1).array()) {
      chord.members.push_back(parse_member(text.string(), format_));
    }
    co_return chord;
  }
}

Async<bool> RedisBackend::keep_chord_claim(ChordClaim claim) {
  Script script;
  script.text = redis_scripts::kKeepClaim;
  script.keys = {key(claim.group_id, ".c"), key(claim.group_id, ".s")};
  script.arguments = {claim.token, milliseconds(claim.lifetime)};
  std::string what = "the claim on chord " + claim.group_id;
  const std::optional<RedisReply> reply = co_await insist(std::move(what), std::move(script));
  co_return reply && reply->integer() == 1;
}

Async<void> RedisBackend::forget_chord(ChordClaim claim) {
  Script script;
  script.text = redis_scripts::kForgetChord;
  for (const char* suffix : {".c", ".j", ".d", ".s", ".t"}) {
    script.keys.push_back(key(claim.group_id, suffix));
  }
  script.arguments = {claim.token, milliseconds(std::max(2 * claim.lifetime, kDoneIsKnown))};
  std::string what = "the end of chord " + claim.group_id;
  const std::optional<RedisReply> reply = co_await insist(std::move(what), std::move(script));
  if (reply && reply->integer() == 0) {
    log::write(log::Level::warning, kLogger,
               "Chord callback claim for '" + claim.group_id +
                   "' was lost before cleanup; chord data was left for expiry");
  }
}

Async<void> RedisBackend::give_up_chord(std::string group_id) {
  Script script;
  script.text = redis_scripts::kDelete;
  script.keys = {key(group_id, ".s")};
  std::string what = "the failure of chord " + group_id;
  co_await insist(std::move(what), std::move(script));
}

Async<void> RedisBackend::grow_chord(std::string group_id) {
  std::string added = key(group_id, ".t");
  co_await redis_.command("INCR", added);
}

}  // namespace celeriac::worker
