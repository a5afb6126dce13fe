#include "worker/execution/chord_end.h"

#include <algorithm>
#include <utility>

#include "worker/execution/exception.h"
#include "worker/execution/retry_plan.h"
#include "worker/log/log.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLogger = "celery.backends.base";

protocol::ExceptionInfo chord_error(std::string text) {
  return {"ChordError", {Json(std::move(text))}, "celery.exceptions", {}};
}

std::string dependency(const std::string& task_id, const protocol::ExceptionInfo& cause) {
  return "Dependency " + task_id + " raised " + cause.repr();
}

protocol::ExceptionInfo read_exception(const Json& stored) {
  return protocol::ExceptionInfo::from_json(stored).value_or(
      protocol::ExceptionInfo{"Exception", {stored}, "builtins", {}});
}

// A result tuple: `[[id, parent], null]` for a task, `[[id, parent], [member, …]]` for a group.
const Json::Array& halves_of(const Json& result_tuple) {
  const Json::Array* halves = result_tuple.as_array();
  const bool sound =
      halves && halves->size() == 2 && (*halves)[0].is_array() && !(*halves)[0].as_array()->empty();
  if (!sound) throw MessageError(MessageError::Kind::invalid, "a result of the chord is malformed");
  return *halves;
}

std::string id_of(const Json& result_tuple) {
  return halves_of(result_tuple)[0].as_array()->front().string_or("");
}

const Json::Array* members_of(const Json& result_tuple) {
  return halves_of(result_tuple)[1].as_array();
}

// What a task of the header failed with, on its way to whoever joins.
struct StoredFailure {
  protocol::ExceptionInfo exception;
};

}  // namespace

// `cause` is what a task of the header failed with, where Celery passes it on.
struct ChordEnd::Failure {
  protocol::ExceptionInfo error;
  std::optional<protocol::ExceptionInfo> cause;
};

struct ChordEnd::Header {
  Json::Array results;
  std::optional<Failure> failure;
};

Clock::time_point ChordEnd::join_deadline() const {
  return services_.loop.now() +
         std::chrono::duration_cast<Clock::duration>(services_.results.chord_join_timeout);
}

ChordEnd::Header ChordEnd::join_counted(std::vector<ChordMember> members) {
  Header header;
  for (ChordMember& member : members) {
    if (protocol::is_exception_state(member.state)) {
      protocol::ExceptionInfo cause = read_exception(member.result);
      header.failure = Failure{chord_error(dependency(member.task_id, cause)), std::move(cause)};
      break;
    }
    header.results.push_back(std::move(member.result));
  }
  return header;
}

Async<ChordEnd::Header> ChordEnd::join_saved(Json group) {
  Header header;
  Refusal error;
  try {
    Json joined = co_await collect(std::move(group), join_deadline());
    if (Json::Array* results = joined.as_array()) header.results = std::move(*results);
  } catch (const StoredFailure& stored) {
    error = stored.exception;
  } catch (const Error&) {
    error = describe_exception(std::current_exception());
  }
  if (error) header.failure = Failure{chord_error("Join error: " + error->repr()), std::nullopt};
  co_return header;
}

Async<ChordEnd::Header> ChordEnd::join_listed(Json::Array results) {
  Header header;
  const Clock::time_point deadline = join_deadline();
  Refusal error;
  try {
    for (Json& result : results) {
      header.results.push_back(co_await collect(std::move(result), deadline));
    }
  } catch (const StoredFailure& stored) {
    error = stored.exception;
  } catch (const Error&) {
    error = describe_exception(std::current_exception());
  }
  // Celery would name the task that failed, but with Redis it does not know it any more.
  if (error) header.failure = Failure{chord_error(error->repr()), error};
  co_return header;
}

Async<Json> ChordEnd::collect(Json result_tuple, Clock::time_point deadline) {
  if (const Json::Array* members = members_of(result_tuple)) {
    Json::Array results;
    for (const Json& member : *members) results.push_back(co_await collect(member, deadline));
    co_return Json(std::move(results));
  }
  const std::string id = id_of(result_tuple);
  for (;;) {
    const std::optional<protocol::ResultDocument> document = co_await services_.backend.load(id);
    if (document && protocol::is_ready_state(document->status)) {
      if (!protocol::is_exception_state(document->status)) co_return document->result;
      throw StoredFailure{read_exception(document->result)};
    }
    if (services_.loop.now() >= deadline) throw Timeout("The operation timed out.");
    co_await sleep_for(services_.loop, 20ms);
  }
}

Async<bool> ChordEnd::is_ready(Json result_tuple) {
  if (const Json::Array* members = members_of(result_tuple)) co_return co_await are_ready(*members);
  const auto document = co_await services_.backend.load(id_of(result_tuple));
  co_return document&& protocol::is_ready_state(document->status);
}

Async<bool> ChordEnd::are_ready(Json::Array header) {
  for (Json& result : header) {
    if (!co_await is_ready(std::move(result))) co_return false;
  }
  co_return true;
}

Async<void> ChordEnd::counted(Json body, CompleteChord chord) {
  const ChordClaim claim = chord.claim;
  Header header = join_counted(std::move(chord.members));
  if (!chord.saved_group.is_null()) header = co_await join_saved(std::move(chord.saved_group));
  if (header.failure) {
    co_await fail(claim.group_id, std::move(body), std::move(*header.failure));
    co_await services_.backend.give_up_chord(claim.group_id);
    co_return;
  }
  if (!co_await services_.backend.keep_chord_claim(claim)) {
    log::write(log::Level::warning, kLogger,
               "Chord callback for '" + claim.group_id +
                   "' not published: dispatch claim is no longer owned by this worker");
    co_return;
  }
  const Refusal refused = co_await publish_under(claim, body, std::move(header.results));
  if (refused) {
    Failure failure{chord_error("Callback error: " + refused->repr()), std::nullopt};
    co_await fail(claim.group_id, std::move(body), std::move(failure));
  }
  co_await services_.backend.forget_chord(claim);
}

Async<void> ChordEnd::unlock(std::string group_id, Json body, Json::Array header,
                             RetryOptions again) {
  Retry retry{std::move(again), nullptr};
  bool ready = false;
  try {
    ready = co_await are_ready(header);
  } catch (const Error&) {
    retry.cause = std::current_exception();
  }
  if (!ready) {
    auto plan = plan_retry(run_.request.message, run_.request.type, retry);
    if (auto* exceeded = std::get_if<RetriesExceeded>(&plan)) {
      Failure failure{
          chord_error("chord_unlock could not be retried: " + exceeded->exception.repr()),
          exceeded->exception};
      co_await fail(std::move(group_id), std::move(body), std::move(failure));
    }
    throw retry;
  }
  Header joined = co_await join_listed(std::move(header));
  if (!joined.failure) {
    const Refusal refused = co_await publish(body, std::move(joined.results));
    if (!refused) co_return;
    joined.failure = Failure{chord_error("Callback error: " + refused->repr()), refused};
  }
  co_await fail(std::move(group_id), std::move(body), std::move(*joined.failure));
}

// Why it could not be published.
Async<ChordEnd::Refusal> ChordEnd::publish(Json body, Json::Array results) {
  try {
    std::vector<protocol::Effect> effects =
        protocol::after_chord(body, results, effects_.canvas_context(run_));
    co_await effects_.perform(std::move(effects), run_);
  } catch (const Error&) {
    co_return describe_exception(std::current_exception());
  }
  co_return std::nullopt;
}

// While the broker is away the body waits for it; no other worker may think meanwhile that this
// one is dead.
Async<ChordEnd::Refusal> ChordEnd::publish_under(ChordClaim claim, Json body, Json::Array results) {
  Interruption renewals;
  Refusal refusal;
  std::vector<Async<void>> both;
  both.push_back(renew(renewals, std::move(claim)));
  both.push_back(publish_then(renewals, std::move(body), std::move(results), refusal));
  co_await when_all(std::move(both));
  co_return refusal;
}

Async<void> ChordEnd::publish_then(Interruption& renewals, Json body, Json::Array results,
                                   Refusal& refusal) {
  refusal = co_await publish(std::move(body), std::move(results));
  renewals.cancel();
}

Async<void> ChordEnd::renew(Interruption& renewals, ChordClaim claim) {
  try {
    for (;;) {
      co_await under(renewals, sleep_for(services_.loop, claim.lifetime / 3));
      co_await under(renewals, services_.backend.keep_chord_claim(claim));
    }
  } catch (const Cancelled&) {
  }
}

Async<void> ChordEnd::fail(std::string group_id, Json body, Failure failure) {
  log::write(log::Level::error, kLogger,
             "Chord '" + group_id + "' raised: " + failure.error.repr());
  std::vector<protocol::Effect> effects = protocol::after_chord_failure(
      body, failure.error, failure.cause, effects_.runs_inline(), effects_.canvas_context(run_));
  co_await effects_.perform(std::move(effects), run_);
}

}  // namespace celeriac::worker
