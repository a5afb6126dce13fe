// Freezing: every part of a composition gets its id before any of it is published, so that the
// parts can name each other and a caller knows what to wait for.

#include <deque>
#include <iterator>
#include <utility>

#include "protocol/message/canvas_composer.h"
#include "protocol/message/canvas_steps.h"

namespace celeriac::protocol {

using Kind = CanvasNode::Kind;
using Handle = CanvasComposer::Handle;

Handle CanvasComposer::freeze(CanvasNode& node, const Frozen& frozen) {
  switch (node.kind) {
    case Kind::chain:
      return freeze_chain(node, frozen);
    case Kind::group:
      return freeze_group(node, frozen);
    case Kind::chord:
      return freeze_chord(node, frozen);
    default:
      return freeze_task(node, frozen);
  }
}

Handle CanvasComposer::freeze_task(CanvasNode& node, const Frozen& frozen) {
  JsonObject& options = node.options;
  if (!node.option("task_id")) options.set("task_id", id_or_new(frozen.id));
  if (!frozen.root_id.empty()) options.set("root_id", frozen.root_id);
  if (!frozen.parent_id.empty()) options.set("parent_id", frozen.parent_id);
  if (!options.contains("reply_to")) options.set("reply_to", context_.oid);
  if (!frozen.group_id.empty() && !options.contains("group_id")) {
    options.set("group_id", frozen.group_id);
  }
  if (frozen.chord) options.set("chord", *frozen.chord);
  if (frozen.group_index) options.set("group_index", *frozen.group_index);
  return results_.task(node.text_option("task_id"));
}

Handle CanvasComposer::freeze_chain(CanvasNode& chain, const Frozen& frozen) {
  const Arrangement arranged = arrange(chain, frozen);
  if (arranged.results.empty()) return results_.task(id_or_new(frozen.id));
  const Handle last = arranged.results.front();
  chain.options.set("task_id", results_.id(last));
  return last;
}

Handle CanvasComposer::freeze_group(CanvasNode& group, const Frozen& frozen) {
  if (!group.option("task_id")) group.options.set("task_id", context_.new_id());
  if (!frozen.group_id.empty()) group.options.set("group_id", frozen.group_id);
  if (frozen.chord) group.options.set("chord", *frozen.chord);
  if (frozen.group_index) group.options.set("group_index", *frozen.group_index);
  Frozen member = frozen;
  if (const Json* root = group.option("root_id")) member.root_id = root->string_or("");
  if (const Json* parent = group.option("parent_id")) member.parent_id = parent->string_or("");
  return results_.group(group.text_option("task_id"), freeze_members(group.tasks, member));
}

Handle CanvasComposer::freeze_chord(CanvasNode& chord, const Frozen& frozen) {
  Frozen member;
  member.root_id = frozen.root_id;
  member.parent_id = frozen.parent_id;
  if (!chord.option("task_id")) chord.options.set("task_id", context_.new_id());
  const Handle header =
      results_.group(chord.text_option("task_id"), freeze_members(chord.tasks, member));
  if (chord.body.empty()) return header;
  Frozen body = frozen;
  body.parent_id.clear();
  const Handle result = freeze(chord.body.front(), body);
  results_.set_parent(results_.root(result), header);
  return result;
}

// Groups in the group are flattened. Celery puts the members of an inner group in front of what
// is left one by one, hence in reverse.
std::vector<Handle> CanvasComposer::freeze_members(std::vector<CanvasNode>& tasks,
                                                   const Frozen& frozen) {
  std::deque<CanvasNode> pending(std::make_move_iterator(tasks.begin()),
                                 std::make_move_iterator(tasks.end()));
  tasks.clear();
  while (!pending.empty()) {
    CanvasNode task = std::move(pending.front());
    pending.pop_front();
    if (task.is(Kind::group)) {
      for (CanvasNode& inner : task.tasks) pending.push_front(std::move(inner));
    } else if (!task.is_empty_chain()) {
      tasks.push_back(std::move(task));
    }
  }
  std::vector<Handle> results;
  Frozen member = frozen;
  member.id.clear();
  for (CanvasNode& task : tasks) {
    member.group_index = static_cast<std::int64_t>(results.size());
    results.push_back(freeze(task, member));
  }
  return results;
}

// Celery 5.7, _chain.prepare_steps.
Arrangement CanvasComposer::arrange(CanvasNode& chain, const Frozen& last) {
  StepQueue steps(chain);
  Arrangement arranged;
  std::optional<Handle> previous;  // whose parent is still unknown
  while (std::optional<CanvasStep> step = steps.take_last(!arranged.steps.empty())) {
    const bool follows = !arranged.steps.empty();
    if (step->node->is(Kind::group) && follows) {
      const Handle body = make_chord(arranged, *step);
      previous = unlink(arranged, body).value_or(previous.value_or(body));
    }
    const bool is_last = arranged.steps.empty() && !step->is_made_chord();
    Frozen frozen;
    if (is_last) frozen = last;
    frozen.root_id = last.root_id;
    frozen.parent_id.clear();
    const Handle result = freeze_step(*step, frozen);
    if (!arranged.steps.empty() && previous && !results_.parent(*previous)) {
      results_.set_parent(*previous, result);
    }
    const bool is_chord = step->is_made_chord() || step->node->is(Kind::chord);
    previous = is_chord ? results_.root(result) : result;
    arranged.steps.push_back(std::move(*step));
    arranged.results.push_back(result);
  }
  return arranged;
}

// The group and the step after it become a chord; the result that this step had.
Handle CanvasComposer::make_chord(Arrangement& arranged, CanvasStep& group) const {
  const Handle body_result = arranged.results.back();
  group.body.push_back(std::move(arranged.steps.back()));
  arranged.steps.pop_back();
  arranged.results.pop_back();
  return body_result;
}

// The rest of the chain has the body for its ancestor; the chord will be in that place. Returns
// the result whose parent is now unknown.
std::optional<Handle> CanvasComposer::unlink(const Arrangement& arranged, Handle body) {
  if (arranged.results.empty()) return std::nullopt;
  std::optional<Handle> node = arranged.results.back();
  while (node && results_.parent(*node) != body) node = results_.parent(*node);
  if (node) results_.set_parent(*node, std::nullopt);
  return node;
}

Handle CanvasComposer::freeze_step(CanvasStep& step, const Frozen& frozen) {
  if (!step.is_made_chord()) return freeze(*step.node, frozen);
  Frozen member;
  member.root_id = frozen.root_id;
  if (step.chord_id.empty()) step.chord_id = context_.new_id();
  const Handle header = results_.group(step.chord_id, freeze_members(step.node->tasks, member));
  const Handle result = freeze_step(step.body.front(), frozen);
  results_.set_parent(results_.root(result), header);
  return result;
}

}  // namespace celeriac::protocol
