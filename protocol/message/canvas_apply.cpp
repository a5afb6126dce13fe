// Applying: what is published, and in which order.

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/message/canvas_composer.h"

namespace celeriac::protocol {
namespace {

using Kind = CanvasNode::Kind;
using Handle = CanvasComposer::Handle;

void override_with(JsonObject& options, const JsonObject& others) {
  for (const auto& [name, value] : others) {
    if (!value.is_null()) options.set(name, value);
  }
}

// Takes the option out; null if there is none.
Json take(JsonObject& options, std::string_view name) {
  Json* found = options.find(name);
  if (!found) return Json();
  Json value = std::move(*found);
  options.erase(name);
  return value;
}

std::string take_text(JsonObject& options, std::string_view name) {
  return take(options, name).string_or("");
}

Json::Array prepended(const Json::Array& partial, const CanvasNode& node) {
  if (node.immutable) return node.args;
  Json::Array args = partial;
  args.insert(args.end(), node.args.begin(), node.args.end());
  return args;
}

// Nested groups are flattened, empty chains dropped; a member keeps its index in its own group.
void collect_members(std::vector<CanvasNode>& tasks,
                     std::vector<std::pair<CanvasNode, std::int64_t>>& members) {
  std::int64_t index = 0;
  for (CanvasNode& task : tasks) {
    if (task.is(Kind::group)) {
      collect_members(task.tasks, members);
    } else if (!task.is_empty_chain()) {
      members.emplace_back(std::move(task), index);
    }
    ++index;
  }
}

// Celery 5.7, canvas.py _link_error_to_body_tasks: a group that runs as one and has errbacks of
// its own gets it there, for they replace those of its tasks.
enum class Runs { as_group, flattened };
void link_error_to_body(CanvasNode& node, const Json& errback, Runs runs,
                        CanvasContext::ChordErrbacks chord_errbacks) {
  if (node.is(Kind::group)) {
    if (runs == Runs::as_group && node.option("link_error")) {
      append_to_option(node, "link_error", errback);
      return;
    }
    for (CanvasNode& task : node.tasks) {
      link_error_to_body(task, errback, Runs::flattened, chord_errbacks);
    }
  } else if (node.is(Kind::chord) && !node.body.empty()) {
    link_error_to_body(node.body.front(), errback, Runs::as_group, chord_errbacks);
  } else {
    link_error(node, errback, chord_errbacks);
  }
}

}  // namespace

Handle CanvasComposer::apply(CanvasNode node, const Json::Array& args, const JsonObject& options,
                             Trail trail) {
  switch (node.kind) {
    case Kind::chain:
      return apply_chain(std::move(node), args, options, trail);
    case Kind::group:
      return apply_group(std::move(node), args, options, trail);
    case Kind::chord:
      return apply_chord(std::move(node), args, options, trail);
    case Kind::chunks:
      return apply_chunks(node, options, trail);
    case Kind::task:
      break;
  }
  return apply_task(std::move(node), args, options, trail);
}

Handle CanvasComposer::apply_task(CanvasNode node, const Json::Array& args,
                                  const JsonObject& options, Trail trail) {
  merge(node, args, options);
  if (!node.option("task_id")) node.options.set("task_id", context_.new_id());
  const Handle result = results_.task(node.text_option("task_id"));
  effects_.emplace_back(task_to_publish(node, context_));
  if (trail == Trail::child) effects_.emplace_back(AddChild{results_.tuple(result)});
  return result;
}

// Celery 5.7, _chain.run.
Handle CanvasComposer::apply_chain(CanvasNode chain, const Json::Array& args,
                                   const JsonObject& call, Trail trail) {
  JsonObject options = chain.options;
  override_with(options, call);
  const Json chord = take(options, "chord");
  Frozen last;
  last.id = take_text(options, "task_id");
  last.group_id = take_text(options, "group_id");
  last.root_id = take_text(options, "root_id");
  if (!chord.is_null()) last.chord = &chord;
  last.group_index = take(options, "group_index").as_int();
  options.erase("parent_id");
  const Json::Array links = signatures_of_value(take(options, "link"));
  const Json::Array errbacks = signatures_of_value(take(options, "link_error"));

  unroll_chords(chain, context_.chord_errbacks);
  if (CanvasNode* first = first_task(chain)) merge(*first, prepended(args, chain), {});
  Arrangement arranged = arrange(chain, last);
  if (arranged.steps.empty()) return results_.task(id_or_new(last.id));

  std::vector<CanvasNode> tasks;
  for (CanvasStep& step : arranged.steps) {
    CanvasNode task = take_node(std::move(step));
    for (const Json& errback : errbacks) {
      link_error(task, errback, context_.chord_errbacks);
      // Where a header that fails looks for it.
      for (CanvasNode& body : task.body) link_error(body, errback, context_.chord_errbacks);
    }
    strip_chord_options(task);
    tasks.push_back(std::move(task));
  }
  for (const Json& callback : links) extend_option(tasks.front(), "link", callback);

  CanvasNode first = std::move(tasks.back());
  tasks.pop_back();
  Json::Array rest = signatures_of_value(take(options, "chain"));
  for (const CanvasNode& task : tasks) rest.push_back(task.to_json());
  options.set("chain", std::move(rest));
  const Handle applied = apply(std::move(first), {}, options, trail);
  return tasks.empty() ? applied : arranged.results.front();
}

// Celery 5.7, group.apply_async.
Handle CanvasComposer::apply_group(CanvasNode group, const Json::Array& args, JsonObject call,
                                   Trail trail) {
  for (const char* refused : {"link", "link_error"}) {
    if (const Json* given = call.find(refused); given && !given->is_null()) {
      throw CanvasError("TypeError", "builtins",
                        std::string("Cannot add link to group: ") +
                            (refused == std::string_view("link") ? "use a chord"
                                                                 : "do that on individual tasks"));
    }
  }
  if (group.tasks.empty()) return freeze_group(group, {});

  const Json::Array all_args = prepended(args, group);
  merge(group, {}, call);
  JsonObject options = std::move(group.options);
  const std::string gid = id_or_new(take_text(options, "task_id"));
  const Json chord = take(options, "chord");
  options.erase("group_index");
  options.set("group_id", gid);

  std::vector<std::pair<CanvasNode, std::int64_t>> members;
  collect_members(group.tasks, members);
  std::vector<Handle> results;
  std::int64_t size = 0;
  for (auto& [task, index] : members) {
    Frozen frozen;
    frozen.group_id = gid;
    frozen.root_id = options["root_id"].string_or("");
    frozen.group_index = index;
    results.push_back(freeze(task, frozen));
    size += count_completions(task);
  }
  for (auto& [task, index] : members) {
    JsonObject own = options;
    if (!chord.is_null()) own.set("chord", chord);
    const bool in_chord = !chord.is_null() || task.option("chord");
    if (in_chord && &task == &members.back().first) effects_.emplace_back(SetChordSize{gid, size});
    apply(std::move(task), all_args, own, Trail::none);
  }

  Handle result = results_.group(gid, std::move(results));
  // A group of one chain that ends in a group is that group.
  if (const auto& inner = results_.members(result);
      inner.size() == 1 && results_.is_group(inner.front())) {
    result = inner.front();
  }
  if (trail == Trail::child) effects_.emplace_back(AddChild{results_.tuple(result)});
  return result;
}

// Celery 5.7, _chord.apply_async and _chord.run.
Handle CanvasComposer::apply_chord(CanvasNode chord, const Json::Array& args, JsonObject call,
                                   Trail trail) {
  if (chord.body.empty()) {
    throw CanvasError("TypeError", "builtins", "a chord needs a body, and this one has none");
  }
  const Json::Array header_args = prepended(args, chord);
  const std::string header_id = id_or_new(chord.text_option("task_id"));
  std::string body_id = take_text(call, "task_id");
  if (body_id.empty()) body_id = chord.text_option("task_id");

  JsonObject delay;  // of the header: the body waits for it anyway
  for (const JsonObject* options : {&chord.options, &call}) {
    for (const char* name : {"countdown", "eta"}) {
      if (const Json* value = options->find(name); value && !value->is_null()) {
        delay.set(name, *value);
      }
    }
  }
  JsonObject options = chord.options;
  override_with(options, call);
  for (const char* name : {"countdown", "eta", "task_id"}) {
    options.erase(name);
    call.erase(name);
  }

  CanvasNode body = std::move(chord.body.front());
  JsonObject body_call = call;
  // The task that completes the header is the body's parent.
  for (const char* name : {"link", "link_error", "parent_id"}) body_call.erase(name);
  merge(body, {}, body_call);
  const std::string root_id = body.text_option("root_id");
  add_body_callbacks(body, options);
  JsonObject body_options = options;
  body_options.erase("parent_id");
  // Null ones too: a body whose group is null on purpose does not get the header's.
  for (const auto& [name, value] : body_options) body.options.set(name, value);
  if (body.is(Kind::chain)) unroll_chords(body, context_.chord_errbacks);

  Frozen frozen;
  frozen.id = id_or_new(std::move(body_id));
  frozen.group_id = header_id;
  frozen.root_id = root_id;
  const Handle body_result = freeze(body, frozen);
  strip_chord_options(body);

  const Json body_json = body.to_json();
  Frozen member;
  member.group_id = header_id;
  member.root_id = root_id;
  member.chord = &body_json;
  const std::vector<Handle> header = freeze_members(chord.tasks, member);
  Handle header_result = results_.group(header_id, header);
  if (chord.tasks.empty()) {
    apply(std::move(body), {Json::array()}, {}, trail);
  } else {
    if (std::ranges::any_of(header, [&](Handle result) { return results_.is_group(result); })) {
      effects_.emplace_back(SaveGroup{header_id, results_.tuple(header_result)});
    }
    CanvasNode group;
    group.kind = Kind::group;
    group.tasks = std::move(chord.tasks);
    group.options.set("root_id", root_id.empty() ? Json() : Json(root_id));
    for (const char* name : {"chain", "chord", "group_id"}) options.erase(name);
    options.set("chord", body_json);
    options.set("task_id", header_id);
    override_with(options, delay);
    header_result = apply_group(std::move(group), header_args, std::move(options), trail);
  }
  results_.set_parent(body_result, header_result);
  return body_result;
}

// Celery 5.7, _chord._add_body_callbacks: they follow the body, and the header must not have them.
void CanvasComposer::add_body_callbacks(CanvasNode& body, JsonObject& options) const {
  for (const Json& callback : signatures_of_value(take(options, "link"))) {
    if (body.is_empty_group()) {
      append_to_option(body, "link", callback);
    } else {
      link(body, callback);
    }
  }
  for (const Json& errback : signatures_of_value(take(options, "link_error"))) {
    if (body.is(Kind::group)) {
      link_error_to_body(body, errback, Runs::as_group, context_.chord_errbacks);
    } else {
      append_to_option(body, "link_error", errback);
    }
  }
}

// One message of `n` calls after the other, as a group.
Handle CanvasComposer::apply_chunks(const CanvasNode& chunks, const JsonObject& options,
                                    Trail trail) {
  const Json* items = chunks.kwargs.find("it");
  const Json* size = chunks.kwargs.find("n");
  const std::int64_t n = size ? size->as_int().value_or(0) : 0;
  if (!items || !items->is_array() || n < 1) {
    throw CanvasError("ValueError", "builtins", "chunks needs a list `it` and a size `n` above 0");
  }
  CanvasNode group;
  group.kind = Kind::group;
  const Json::Array& all = *items->as_array();
  for (std::size_t at = 0; at < all.size(); at += static_cast<std::size_t>(n)) {
    const std::size_t end = std::min(all.size(), at + static_cast<std::size_t>(n));
    CanvasNode part;
    part.task = "celery.starmap";
    part.subtask_type = "xstarmap";
    part.immutable = true;
    part.kwargs.set("task", chunks.kwargs.find("task") ? *chunks.kwargs.find("task") : Json());
    part.kwargs.set("it", Json::Array(all.begin() + static_cast<std::ptrdiff_t>(at),
                                      all.begin() + static_cast<std::ptrdiff_t>(end)));
    group.tasks.push_back(std::move(part));
  }
  return apply_group(std::move(group), {}, options, trail);
}

}  // namespace celeriac::protocol
