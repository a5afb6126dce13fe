// What applying a signature means, and what follows a success or a failure, as
// lists of effects for the worker to perform in order (wire page, section 5).
#pragma once

#include <celeriac/signature.h>

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/message/result.h"
#include "protocol/message/task_message.h"

namespace celeriac::protocol {

// Where and how a message goes: the routing options of a signature or a call.
struct RoutingOptions {
  std::optional<std::string> queue, exchange, routing_key;
  std::optional<std::uint8_t> priority;
  std::string serializer, compression;  // empty: the task's or the worker's default
  std::optional<double> countdown;      // seconds from publishing; eta wins
};

// Publish this task message.
struct PublishTask {
  TaskMessage message;
  RoutingOptions routing;
};
// Tell the backend how many completions a chord's header has (`…<gid>.s`).
struct SetChordSize {
  std::string group_id;
  std::int64_t size = 0;
};
// The result tuple belongs to the `children` of the running task.
struct AddChild {
  Json result_tuple;
};
// Save a GroupResult, so that nested groups can be joined.
struct SaveGroup {
  std::string group_id;
  Json result_tuple;
};
// Store FAILURE for a task that will never run (the rest of a failed chain).
struct FailTask {
  std::string task_id;
  ExceptionInfo exception;
};
// Count a part of a chord as done with this state (rest of a failed chain).
struct ChordPart {
  std::string group_id;
  std::optional<std::int64_t> group_index;
  Json chord;  // the body's signature
  std::string task_id;
  std::string state;
  Json result;
};

using Effect = std::variant<PublishTask, SetChordSize, AddChild, SaveGroup, FailTask, ChordPart>;

// What deciding needs from outside: pure otherwise.
struct CanvasContext {
  std::function<std::string()> new_id;  // UUID4 text
  Timestamp now;
  std::string origin;                    // gen<pid>@<host>
  // The running task that publishes; empty ids outside of one.
  std::string parent_id, root_id;
  std::string oid;  // reply_to of what we send, rpc results
};

// Publish `signature` with the partial arguments and options given (Celery 5.x,
// canvas.py: Signature.apply_async, _chain.run, group.apply_async, chord.run).
// The effects end with AddChild for what was applied.
std::vector<Effect> apply_signature(const Signature& signature, const Json::Array& partial_args,
                                    const JsonObject& options, const CanvasContext& context);

// Celery 5.x, app/trace.py _dispatch_callbacks_and_chain.
std::vector<Effect> after_success(const TaskMessage& message, const Json& result,
                                  const CanvasContext& context);

// Celery 5.x, backends/base.py mark_as_failure without the task's own result:
// the rest of the chain, then the error callbacks. Errbacks that `runs_inline`
// names are left out: the worker calls them itself.
std::vector<Effect> after_failure(const TaskMessage& message, const ExceptionInfo& exception,
                                  const std::function<bool(const Signature&)>& runs_inline,
                                  const CanvasContext& context);

// How many completions a chord's header means (section 5.6).
std::int64_t chord_size(const std::vector<Signature>& header);

// What Task.replace publishes in the place of `message` (section 5.8).
std::vector<Effect> replace_task(const TaskMessage& message, const Signature& with,
                                 const CanvasContext& context);

}  // namespace celeriac::protocol
