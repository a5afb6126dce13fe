// Applies signatures: gives ids to all parts (freezing), lays chains out in steps, turns a group
// that something follows into a chord, and lists what is to be published (Celery 5.7, canvas.py).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message/canvas.h"
#include "protocol/message/canvas_node.h"
#include "protocol/message/canvas_results.h"
#include "protocol/message/canvas_steps.h"

namespace celeriac::protocol {

class CanvasComposer {
 public:
  using Handle = CanvasResults::Handle;
  // Whether what is applied becomes a child of the running task. The parts of a group do not: the
  // group does.
  enum class Trail { child, none };

  explicit CanvasComposer(const CanvasContext& context) : context_(context) {}

  Handle apply(CanvasNode node, const Json::Array& args, const JsonObject& options,
               Trail trail = Trail::child);

  // What a part is told of the whole when it gets its id. Empty: nothing.
  struct Frozen {
    std::string id, group_id, root_id, parent_id;
    const Json* chord = nullptr;
    std::optional<std::int64_t> group_index;
  };
  // Gives it and all its parts ids, in place. Ids that are there stay.
  Handle freeze(CanvasNode& node, const Frozen& frozen);

  const CanvasResults& results() const { return results_; }
  std::vector<Effect> take_effects() { return std::move(effects_); }

 private:
  Handle apply_task(CanvasNode node, const Json::Array& args, const JsonObject& options,
                    Trail trail);
  Handle apply_chain(CanvasNode chain, const Json::Array& args, const JsonObject& options,
                     Trail trail);
  Handle apply_group(CanvasNode group, const Json::Array& args, JsonObject call, Trail trail);
  Handle apply_chord(CanvasNode chord, const Json::Array& args, JsonObject call, Trail trail);
  Handle apply_chunks(const CanvasNode& chunks, const JsonObject& options, Trail trail);

  Handle freeze_task(CanvasNode& node, const Frozen& frozen);
  Handle freeze_chain(CanvasNode& chain, const Frozen& frozen);
  Handle freeze_group(CanvasNode& group, const Frozen& frozen);
  Handle freeze_chord(CanvasNode& chord, const Frozen& frozen);
  std::vector<Handle> freeze_members(std::vector<CanvasNode>& tasks, const Frozen& frozen);
  Handle freeze_step(CanvasStep& step, const Frozen& frozen);

  // Lays the chain out and gives ids to its steps, in place; `last` is for the last one.
  Arrangement arrange(CanvasNode& chain, const Frozen& last);
  Handle make_chord(Arrangement& arranged, CanvasStep& group) const;
  std::optional<Handle> unlink(const Arrangement& arranged, Handle body);

  void add_body_callbacks(CanvasNode& body, JsonObject& options) const;
  std::string id_or_new(std::string id) const { return id.empty() ? context_.new_id() : id; }

  const CanvasContext& context_;
  CanvasResults results_;
  std::vector<Effect> effects_;
};

// The message of a task with everything merged: `options` as Celery's apply_async takes them.
PublishTask task_to_publish(const CanvasNode& task, const CanvasContext& context);

}  // namespace celeriac::protocol
