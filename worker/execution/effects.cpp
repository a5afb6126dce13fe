#include "worker/execution/effects.h"

#include <algorithm>
#include <utility>

#include "worker/execution/chord_end.h"
#include "worker/execution/exception.h"
#include "worker/execution/stored_state.h"
#include "worker/execution/task_context.h"
#include "worker/execution/uuid.h"
#include "worker/execution/wall_clock.h"
#include "worker/log/log.h"

namespace celeriac::worker {
namespace {

constexpr std::string_view kLogger = "celery.backends.base";

}  // namespace

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
  Json body = part.chord;
  std::optional<CompleteChord> chord = co_await services_.backend.add_chord_part(std::move(part));
  if (!chord) co_return;
  ChordEnd end(services_, *this, run);
  co_await end.counted(std::move(body), std::move(*chord));
}

Async<void> Effects::pass_on_failure(protocol::ExceptionInfo exception, Run& run) {
  const protocol::TaskMessage& message = run.request.message;
  if (message.errbacks.is_null() && message.chain.is_null()) co_return;
  std::vector<protocol::Effect> effects =
      protocol::after_failure(message, exception, runs_inline(), canvas_context(run));
  co_await perform(std::move(effects), run);
}

}  // namespace celeriac::worker
