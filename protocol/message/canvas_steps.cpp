#include "protocol/message/canvas_steps.h"

#include <utility>

namespace celeriac::protocol {
namespace {

using Kind = CanvasNode::Kind;

// A group with one member is that member.
CanvasNode* unrolled(CanvasNode* node) {
  return node->is(Kind::group) && node->tasks.size() == 1 ? &node->tasks.front() : node;
}

}  // namespace

// What contributes no task must not be the first one: it would swallow the partial arguments.
void StepQueue::normalise_head() {
  CanvasNode* stripped = nullptr;
  while (!nodes_.empty()) {
    CanvasNode* head = unrolled(nodes_.front());
    nodes_.front() = head;
    if (head->is(Kind::chain)) {
      nodes_.pop_front();
      splice_front(*head);
    } else if (head->is_empty_group() && nodes_.size() > 1) {
      stripped = head;
      nodes_.pop_front();
    } else {
      return;
    }
  }
  if (stripped) nodes_.push_back(stripped);
}

std::optional<CanvasStep> StepQueue::take_last(bool follows) {
  while (!nodes_.empty()) {
    CanvasNode* node = unrolled(nodes_.back());
    nodes_.pop_back();
    if (node->is_empty_group() && (!nodes_.empty() || follows)) continue;
    if (node->is(Kind::chain)) {
      for (CanvasNode& task : node->tasks) nodes_.push_back(&task);
      continue;
    }
    CanvasStep step;
    step.node = node;
    return step;
  }
  return std::nullopt;
}

CanvasNode* first_task(CanvasNode& chain) {
  for (CanvasNode& task : chain.tasks) {
    CanvasNode* node = unrolled(&task);
    if (node->is(Kind::chain)) node = first_task(*node);
    if (node && !node->is_empty_group()) return node;
  }
  return nullptr;
}

CanvasNode take_node(CanvasStep step) {
  if (!step.is_made_chord()) return std::move(*step.node);
  CanvasNode chord = chord_of(std::move(*step.node), take_node(std::move(step.body.front())));
  chord.options.set("task_id", step.chord_id);
  return chord;
}

}  // namespace celeriac::protocol
