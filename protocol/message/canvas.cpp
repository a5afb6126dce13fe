#include "protocol/message/canvas.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "protocol/message/canvas_composer.h"
#include "protocol/message/canvas_node.h"

namespace celeriac::protocol {
namespace {

using Kind = CanvasNode::Kind;
using Trail = CanvasComposer::Trail;

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

// What everything that a task sends on is sent with.
JsonObject follow_up_options(const TaskMessage& message, const CanvasContext& context) {
  JsonObject options{{"parent_id", message.id},
                     {"root_id", message.root_id.empty() ? message.id : message.root_id}};
  if (context.inherited_priority) options.set("priority", *context.inherited_priority);
  return options;
}

CanvasNode group_of(std::vector<CanvasNode> tasks) {
  CanvasNode group;
  group.kind = Kind::group;
  group.task = "celery.group";
  group.subtask_type = "group";
  group.tasks = std::move(tasks);
  return group;
}

CanvasNode accumulate() {
  CanvasNode task;
  task.task = "celery.accumulate";
  task.kwargs.set("index", 0);
  return task;
}

// Everything after a failed step has failed (Celery 5.7, backends/base.py _fail_chain). A chord
// among it is waited for by its body's id, not by its own.
void fail_chain(const Json& chain, const ExceptionInfo& exception, std::vector<Effect>& effects) {
  const Json::Array* elements = chain.as_array();
  if (!elements) return;
  std::deque<Json> pending(elements->begin(), elements->end());
  while (!pending.empty()) {
    const Signature element = Signature::from_json(pending.front());
    pending.pop_front();
    const auto option = [&](const char* name) {
      const Json* value = element.options().find(name);
      return value ? *value : Json();
    };
    FailTask fail{option("task_id").string_or(""), exception, element, std::nullopt};
    if (const Json chord = option("chord"); !chord.is_null()) {
      fail.part = ChordPart{option("group_id").string_or(""),
                            option("group_index").as_int(),
                            chord,
                            fail.task_id,
                            "FAILURE",
                            exception.to_json()};
    }
    if (!fail.task_id.empty() || fail.part) effects.emplace_back(std::move(fail));
    if (element.subtask_type() == "chord") {
      if (const Json* body = element.kwargs().find("body"); body && body->is_object()) {
        pending.push_back(*body);
      }
    }
  }
}

// Celery 5.7, backends/base.py _call_task_errbacks. `root_id` is the failed task's.
void call_errbacks(const Json::Array& errbacks, const std::string& task_id,
                   const std::string& root_id, const ExceptionInfo& exception,
                   const RunsInline& runs_inline, const CanvasContext& context,
                   std::vector<Effect>& effects) {
  std::vector<CanvasNode> by_message;
  for (const Json& errback : errbacks) {
    Signature signature = Signature::from_json(errback);
    if (runs_inline(signature)) {
      effects.emplace_back(CallErrback{std::move(signature), task_id, exception});
    } else {
      by_message.push_back(CanvasNode::from_json(errback));
    }
  }
  if (by_message.empty()) return;
  CanvasComposer composer(context);
  composer.apply(group_of(std::move(by_message)), {task_id},
                 {{"parent_id", task_id}, {"root_id", root_id.empty() ? task_id : root_id}});
  std::ranges::move(composer.take_effects(), std::back_inserter(effects));
}

// Its own errbacks and those of everything whose result it is (_result_errbacks).
void collect_errbacks(const CanvasNode& node, Json::Array& errbacks) {
  const auto add = [&](const CanvasNode& of) {
    for (const Json& errback : signatures_of(of.option("link_error"))) {
      if (std::ranges::find(errbacks, errback) == errbacks.end()) errbacks.push_back(errback);
    }
  };
  add(node);
  if (node.is(Kind::chord) && !node.body.empty()) {
    collect_errbacks(node.body.front(), errbacks);
  } else if (node.is(Kind::group)) {
    for (const CanvasNode& task : node.tasks) collect_errbacks(task, errbacks);
  }
}

// A body that is a group: each of its tasks fails with what the header failed with.
void fail_group_body(CanvasNode body, const ExceptionInfo& cause, const RunsInline& runs_inline,
                     const CanvasContext& context, std::vector<Effect>& effects) {
  CanvasComposer composer(context);
  const CanvasComposer::Handle frozen = composer.freeze(body, {});
  const std::vector<CanvasComposer::Handle>& members = composer.results().members(frozen);
  for (std::size_t i = 0; i < members.size(); ++i) {
    Json::Array errbacks;
    collect_errbacks(body.tasks[i], errbacks);
    for (const Json& errback : signatures_of(body.option("link_error"))) {
      if (std::ranges::find(errbacks, errback) == errbacks.end()) errbacks.push_back(errback);
    }
    const std::string& id = composer.results().id(members[i]);
    call_errbacks(errbacks, id, "", cause, runs_inline, context, effects);
    FailTask failed{id, cause, Signature::from_json(body.tasks[i].to_json()), std::nullopt};
    failed.children = FailTask::Children::of_the_running_task;
    effects.emplace_back(std::move(failed));
  }
  effects.emplace_back(FailTask{composer.results().id(frozen), cause,
                                Signature::from_json(body.to_json()), std::nullopt});
}

// Celery 5.7, Task.replace up to the point where the signature is sent.
CanvasNode replacement(const TaskMessage& message, CanvasNode with, const CanvasContext& context) {
  with.options.erase("chord");
  if (with.is(Kind::group)) with = pipe(std::move(with), accumulate());
  if (with.is(Kind::chain) && with.tasks.back().is(Kind::group)) {
    with.tasks.back() = pipe(std::move(with.tasks.back()), accumulate());
  }
  for (const Json& callback : signatures_of(&message.callbacks)) link(with, callback);
  for (const Json& errback : signatures_of(&message.errbacks)) {
    link_error(with, errback, context.chord_errbacks);
  }
  // On the last task: more may be linked behind it below.
  if (with.is(Kind::chain) && with.option("link")) {
    for (const Json& callback : signatures_of(with.option("link"))) {
      extend_option(with.tasks.back(), "link", callback);
    }
    with.options.erase("link");
  }
  CanvasComposer composer(context);
  CanvasComposer::Frozen frozen;
  frozen.id = message.id;
  composer.freeze(with, frozen);

  const Json nesting = message.replaced_task_nesting + 1;
  with.options.set("chord", message.chord);
  with.options.set("group_id", text_or_null(message.group));
  with.options.set("group_index", message.group_index);
  with.options.set("root_id", text_or_null(message.root_id));
  with.options.set("replaced_task_nesting", nesting);
  if (with.is(Kind::chain)) {
    for (CanvasNode& task : with.tasks) task.options.set("replaced_task_nesting", nesting);
  }
  const Json::Array chain = signatures_of(&message.chain);
  for (auto next = chain.rbegin(); next != chain.rend(); ++next) {
    CanvasNode task = CanvasNode::from_json(*next);
    task.options.set("replaced_task_nesting", nesting);
    with = pipe(std::move(with), std::move(task));
  }
  return with;
}

}  // namespace

Applied apply_signature(const Signature& signature, const Json::Array& partial_args,
                        const JsonObject& options, const CanvasContext& context) {
  CanvasComposer composer(context);
  const CanvasComposer::Handle result =
      composer.apply(CanvasNode::from_json(signature.to_json()), partial_args, options);
  return {composer.take_effects(), composer.results().id(result), composer.results().tuple(result)};
}

std::vector<Effect> after_success(const TaskMessage& message, const Json& result,
                                  const CanvasContext& context) {
  CanvasComposer composer(context);
  const JsonObject options = follow_up_options(message, context);
  const Json::Array callbacks = signatures_of(&message.callbacks);
  if (callbacks.size() == 1) {
    composer.apply(CanvasNode::from_json(callbacks.front()), {result}, options);
  } else if (!callbacks.empty()) {
    std::vector<CanvasNode> others;
    for (const Json& callback : callbacks) {
      CanvasNode node = CanvasNode::from_json(callback);
      if (node.is(Kind::group)) {
        composer.apply(std::move(node), {result}, options);
      } else {
        others.push_back(std::move(node));
      }
    }
    if (!others.empty()) composer.apply(group_of(std::move(others)), {result}, options);
  }
  if (Json::Array chain = signatures_of(&message.chain); !chain.empty()) {
    CanvasNode next = CanvasNode::from_json(chain.back());
    chain.pop_back();
    JsonObject with_rest = options;
    with_rest.set("chain", std::move(chain));
    composer.apply(std::move(next), {result}, with_rest);
  }
  return composer.take_effects();
}

std::vector<Effect> after_failure(const TaskMessage& message, const ExceptionInfo& exception,
                                  const RunsInline& runs_inline, const CanvasContext& context) {
  std::vector<Effect> effects;
  fail_chain(message.chain, exception, effects);
  call_errbacks(signatures_of(&message.errbacks), message.id, message.root_id, exception,
                runs_inline, context, effects);
  return effects;
}

std::vector<Effect> after_chord(const Json& body, const Json::Array& results,
                                const CanvasContext& context) {
  CanvasComposer composer(context);
  // Named: a braced list of one array would be that array, not a list of it.
  const Json::Array one_argument(1, Json(results));
  composer.apply(CanvasNode::from_json(body), one_argument, {});
  return composer.take_effects();
}

std::vector<Effect> after_chord_failure(const Json& body, const ExceptionInfo& exception,
                                        const std::optional<ExceptionInfo>& cause,
                                        const RunsInline& runs_inline,
                                        const CanvasContext& context) {
  std::vector<Effect> effects;
  CanvasNode node = CanvasNode::from_json(body);
  const Json chain = node.option("chain") ? *node.option("chain") : Json();
  if (node.is(Kind::group)) {
    fail_group_body(std::move(node), cause.value_or(exception), runs_inline, context, effects);
  } else {
    if (!node.option("task_id")) node.options.set("task_id", context.new_id());
    const std::string id = node.text_option("task_id");
    call_errbacks(signatures_of(node.option("link_error")), id, "", exception, runs_inline, context,
                  effects);
    FailTask failed{id, exception, Signature::from_json(node.to_json()), std::nullopt};
    failed.children = FailTask::Children::of_the_running_task;
    effects.emplace_back(std::move(failed));
  }
  fail_chain(chain, exception, effects);
  return effects;
}

std::int64_t chord_size(const std::vector<Signature>& header) {
  std::int64_t size = 0;
  for (const Signature& task : header) {
    size += count_completions(CanvasNode::from_json(task.to_json()));
  }
  return size;
}

std::vector<Effect> replace_task(const TaskMessage& message, const Signature& with,
                                 const CanvasContext& context) {
  CanvasNode node = CanvasNode::from_json(with.to_json());
  const auto improper = [](const char* text) {
    return CanvasError("ImproperlyConfigured", "celery.exceptions", text);
  };
  if (node.option("chord")) {
    throw improper("A signature replacing a task must not be part of a chord");
  }
  if (node.is_empty_chain()) throw improper("Cannot replace with an empty chain");
  CanvasComposer composer(context);
  composer.apply(replacement(message, std::move(node), context), {}, {});
  return composer.take_effects();
}

Applied add_to_chord(const TaskMessage& message, const Signature& signature,
                     const CanvasContext& context) {
  if (message.chord.is_null()) {
    throw CanvasError("ValueError", "builtins", "Current task is not member of any chord");
  }
  Signature member = signature;
  member.set("group_id", text_or_null(message.group));
  member.set("group_index", message.group_index);
  member.set("chord", message.chord);
  member.set("root_id", text_or_null(message.root_id));
  return apply_signature(member, {}, {}, context);
}

}  // namespace celeriac::protocol
