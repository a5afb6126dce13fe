// A chain laid out in steps (Celery 5.7, _chain.prepare_steps): nested chains are spliced, empty
// groups dropped, and a group that something follows is the header of a chord.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message/canvas_node.h"
#include "protocol/message/canvas_results.h"

namespace celeriac::protocol {

// Borrows its nodes from the chain it was made of.
struct CanvasStep {
  CanvasNode* node = nullptr;    // a made chord's header, as a group
  std::vector<CanvasStep> body;  // of a made chord: one
  std::string chord_id;          // of a made chord's header

  bool is_made_chord() const { return !body.empty(); }
};

// Last first, and the result of each.
struct Arrangement {
  std::vector<CanvasStep> steps;
  std::vector<CanvasResults::Handle> results;
};

class StepQueue {
 public:
  explicit StepQueue(CanvasNode& chain) {
    splice_front(chain);
    normalise_head();
  }

  // The step in front of those taken before; `follows` says that there are any. Empty at the end.
  std::optional<CanvasStep> take_last(bool follows);

 private:
  void splice_front(CanvasNode& chain) {
    for (auto task = chain.tasks.rbegin(); task != chain.tasks.rend(); ++task) {
      nodes_.push_front(&*task);
    }
  }
  void normalise_head();

  std::deque<CanvasNode*> nodes_;
};

// The first real task of a chain: the one that partial arguments go to. Null in an empty chain.
CanvasNode* first_task(CanvasNode& chain);
// The step as a signature of its own.
CanvasNode take_node(CanvasStep step);

}  // namespace celeriac::protocol
