#include "worker/execution/effects.h"

#include <algorithm>
#include <utility>

#include "worker/execution/exception.h"
#include "worker/execution/stored_state.h"
#include "worker/execution/task_context.h"
#include "worker/execution/uuid.h"
#include "worker/execution/wall_clock.h"
#include "worker/log/log.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLogger = "celery.backends.base";

protocol::ExceptionInfo chord_error(std::string text) {
  return {"ChordError", {Json(std::move(text))}, "celery.exceptions", {}};
}

protocol::ExceptionInfo read_exception(const Json& stored) {
  protocol::ExceptionInfo exception;
  exception.type = stored["exc_type"].string_or("Exception");
  exception.module = stored["exc_module"].string_or("builtins");
  if (const Json::Array* args = stored["exc_message"].as_array()) {
    exception.args = *args;
  } else {
    exception.args = {stored["exc_message"]};
  }
  return exception;
}

}  // namespace

// Thrown while the results of a chord's header are put together: one of them is a failure.
struct Effects::Dependency {
  std::string task_id;
  protocol::ExceptionInfo cause;
};

protocol::CanvasContext Effects::canvas_context(const Run& run) const {
  const protocol::TaskMessage& message = run.request.message;
  protocol::CanvasContext context;
  context.new_id = new_uuid;
  context.now = wall_clock();
  context.origin = services_.origin;
  context.oid = services_.backend.reply_queue();
  context.parent_id = message.id;
  context.root_id = message.root_id.empty() ? message.id : message.root_id;
  context.headers = protocol::headers_of_child(message, context.now);
  if (services_.publish.task_inherit_parent_priority) context.inherited_priority = message.priority;
  if (services_.publish.task_allow_error_cb_on_chord_header) {
    context.chord_errbacks = protocol::CanvasContext::ChordErrbacks::header_and_body;
  }
  return context;
}

protocol::RunsInline Effects::runs_inline() const {
  return [this](const Signature& errback) {
    return services_.registry.find_errback(errback.task()) != nullptr;
  };
}

// Before the first task of a chord that nobody would count is sent (Celery: ensure_chords_allowed).
void Effects::require_counted(const std::vector<protocol::Effect>& effects) const {
  const bool any = std::ranges::any_of(effects, [](const protocol::Effect& effect) {
    return std::holds_alternative<protocol::SetChordSize>(effect);
  });
  if (!any || services_.backend.counts_chords()) return;
  throw protocol::CanvasError(
      "NotImplementedError", "builtins",
      "a chord, and a group with a task behind it, is counted in the result "
      "backend, which " +
          services_.backend.display() + " cannot; use redis://");
}

// Messages that follow each other go out together; everything else keeps its place.
Async<void> Effects::perform(std::vector<protocol::Effect> effects, Run& run) {
  require_counted(effects);
  std::vector<Async<void>> publications;
  for (protocol::Effect& effect : effects) {
    if (auto* publish = std::get_if<protocol::PublishTask>(&effect)) {
      publications.push_back(services_.publisher.publish(std::move(*publish)));
      continue;
    }
    if (!publications.empty()) co_await when_all(std::exchange(publications, {}));
    co_await perform_one(std::move(effect), run);
  }
  if (!publications.empty()) co_await when_all(std::move(publications));
}

Async<void> Effects::perform_one(protocol::Effect effect, Run& run) {
  if (auto* size = std::get_if<protocol::SetChordSize>(&effect)) {
    co_await services_.backend.set_chord_size(std::move(*size));
  } else if (auto* child = std::get_if<protocol::AddChild>(&effect)) {
    run.children.push_back(std::move(child->result_tuple));
  } else if (auto* group = std::get_if<protocol::SaveGroup>(&effect)) {
    co_await services_.backend.save_group(std::move(*group));
  } else if (auto* failed = std::get_if<protocol::FailTask>(&effect)) {
    co_await fail_task(std::move(*failed), run);
  } else if (auto* call = std::get_if<protocol::CallErrback>(&effect)) {
    co_await call_errback(std::move(*call), run);
  }
}

Async<void> Effects::fail_task(protocol::FailTask failed, Run& run) {
  if (failed.part && !failed.task_id.empty()) {
    // What has failed before was counted then.
    const auto known = co_await services_.backend.load(failed.task_id);
    if (known && (known->status == "FAILURE" || known->status == "REVOKED")) failed.part.reset();
  }
  if (!failed.task_id.empty()) {
    StoredState state = make_failure(services_, failed.task_id, failed.exception, failed.member);
    if (failed.children == protocol::FailTask::Children::of_the_running_task) {
      state.document.children = Json(run.children);
    }
    co_await services_.backend.store(std::move(state));
  }
  if (failed.part) co_await count_part(std::move(*failed.part), run);
}

Async<void> Effects::call_errback(protocol::CallErrback call, Run& run) {
  const Errback* errback = services_.registry.find_errback(call.errback.task());
  if (!errback) co_return;
  protocol::TaskMessage body;
  body.id = call.task_id;
  const bool own = call.task_id == run.request.id();
  Request request =
      make_request(own ? run.request.message : body, run.request.delivery_info, services_.nodename);
  TaskFailure failure(std::move(request),
                      TaskError(call.exception.type, call.exception.args, call.exception.module),
                      call.exception.traceback);
  TaskContext context(services_, run);
  std::string reason;
  try {
    co_await (*errback)(context, std::move(failure), call.errback.args(), call.errback.kwargs());
    co_return;
  } catch (const std::exception&) {
    reason = describe_exception(std::current_exception()).repr();
  }
  log::write(log::Level::error, kLogger,
             "Error callback " + call.errback.task() + " of " + call.task_id + " raised " + reason);
}

Async<void> Effects::count_in_chord(std::string state, Json result, Run& run) {
  const protocol::TaskMessage& message = run.request.message;
  if (message.chord.is_null() || message.group.empty() || !services_.backend.counts_chords()) {
    co_return;
  }
  protocol::ChordPart part;
  part.group_id = message.group;
  part.group_index = message.group_index;
  part.chord = message.chord;
  part.task_id = message.id;
  part.state = std::move(state);
  part.result = std::move(result);
  co_await count_part(std::move(part), run);
}

Async<void> Effects::count_part(protocol::ChordPart part, Run& run) {
  std::string group_id = part.group_id;
  Json body = part.chord;
  std::optional<std::vector<ChordMember>> members =
      co_await services_.backend.add_chord_part(std::move(part));
  if (members) {
    co_await end_chord(std::move(group_id), std::move(body), std::move(*members), run);
  }
}

// Celery 5.x, backends/redis.py on_chord_part_return, once all parts are in.
Async<void> Effects::end_chord(std::string group_id, Json body, std::vector<ChordMember> members,
                               Run& run) {
  std::optional<protocol::ExceptionInfo> error, cause;
  std::string step = "Join error: ";
  try {
    const Json::Array results = co_await join(group_id, std::move(members));
    step = "Callback error: ";
    std::vector<protocol::Effect> effects =
        protocol::after_chord(body, results, canvas_context(run));
    co_await perform(std::move(effects), run);
  } catch (const Dependency& dependency) {
    cause = dependency.cause;
    error = chord_error("Dependency " + dependency.task_id + " raised " + cause->repr());
  } catch (const Error&) {
    error = chord_error(step + describe_exception(std::current_exception()).repr());
  }
  if (!error) {
    co_await services_.backend.forget_chord(std::move(group_id));
    co_return;
  }
  log::write(log::Level::error, kLogger, "Chord '" + group_id + "' raised: " + error->repr());
  std::vector<protocol::Effect> effects =
      protocol::after_chord_failure(body, *error, cause, runs_inline(), canvas_context(run));
  co_await perform(std::move(effects), run);
  co_await services_.backend.give_up_chord(std::move(group_id));
}

// The results of the header in its order; nested as the saved group says, if there is one.
Async<Json::Array> Effects::join(std::string group_id, std::vector<ChordMember> members) {
  const Json saved = co_await services_.backend.load_group(group_id);
  if (!saved.is_null()) {
    const Clock::time_point deadline =
        services_.loop.now() +
        std::chrono::duration_cast<Clock::duration>(services_.results.chord_join_timeout);
    Json joined = co_await collect(saved, deadline);
    if (Json::Array* results = joined.as_array()) co_return std::move(*results);
    co_return Json::Array{std::move(joined)};
  }
  Json::Array results;
  for (ChordMember& member : members) {
    if (protocol::is_exception_state(member.state)) {
      throw Dependency{member.task_id, read_exception(member.result)};
    }
    results.push_back(std::move(member.result));
  }
  co_return results;
}

// A result tuple: `[[id, parent], null]` for a task, `[[id, parent], [member, …]]` for a group.
Async<Json> Effects::collect(Json result_tuple, Clock::time_point deadline) {
  const Json::Array* parts = result_tuple.as_array();
  const bool sound =
      parts && parts->size() == 2 && (*parts)[0].is_array() && !(*parts)[0].as_array()->empty();
  if (!sound) throw MessageError(MessageError::Kind::invalid, "the saved group is malformed");
  if (const Json::Array* members = (*parts)[1].as_array()) {
    Json::Array results;
    for (const Json& member : *members) results.push_back(co_await collect(member, deadline));
    co_return Json(std::move(results));
  }
  const std::string id = (*parts)[0].as_array()->front().string_or("");
  for (;;) {
    const std::optional<protocol::ResultDocument> document = co_await services_.backend.load(id);
    if (document && protocol::is_ready_state(document->status)) {
      if (!protocol::is_exception_state(document->status)) co_return document->result;
      throw Dependency{id, read_exception(document->result)};
    }
    if (services_.loop.now() >= deadline) throw Timeout("The operation timed out.");
    co_await sleep_for(services_.loop, 20ms);
  }
}

Async<void> Effects::pass_on_failure(protocol::ExceptionInfo exception, Run& run) {
  const protocol::TaskMessage& message = run.request.message;
  if (message.errbacks.is_null() && message.chain.is_null()) co_return;
  std::vector<protocol::Effect> effects =
      protocol::after_failure(message, exception, runs_inline(), canvas_context(run));
  co_await perform(std::move(effects), run);
}

}  // namespace celeriac::worker
