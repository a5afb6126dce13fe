// What applying a signature means, and what follows a success or a failure, as
// lists of effects for the worker to perform in order (wire page, section 5).
#pragma once

#include <celeriac/error.h>
#include <celeriac/signature.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/message/carried_headers.h"
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
// Count a part of a chord as done with this state.
struct ChordPart {
  std::string group_id;
  std::optional<std::int64_t> group_index;
  Json chord;  // the body's signature
  std::string task_id;
  std::string state;
  Json result;
};
// A task that will never run, because what came before it failed: store FAILURE under its id. It
// may be a part of a chord, which then counts as done unless the task had failed already, and it
// may be no more than that part (a composition without an id of its own).
struct FailTask {
  std::string task_id;  // empty: only the part counts
  ExceptionInfo exception;
  Signature member;  // what extended results tell of it
  std::optional<ChordPart> part;
  // A chord's body has the children that the task which completed the chord has by then: the
  // error callbacks among them.
  enum class Children { none, of_the_running_task } children = Children::none;
};
// Call this new-style error callback in the worker, for the failure of `task_id`: the task that
// runs, or a chord's body that will never run.
struct CallErrback {
  Signature errback;
  std::string task_id;
  ExceptionInfo exception;
};

using Effect = std::variant<PublishTask, SetChordSize, AddChild, SaveGroup, FailTask, CallErrback>;

// What deciding needs from outside: pure otherwise.
struct CanvasContext {
  std::function<std::string()> new_id;  // UUID4 text
  Timestamp now;
  std::string origin;  // gen<pid>@<host>
  // The running task that publishes; empty ids outside of one.
  std::string parent_id, root_id;
  std::string oid;        // reply_to of what we send, rpc results
  CustomHeaders headers;  // what goes along of those of the running task
  // task_inherit_parent_priority: what all that the task sends is sent with.
  std::optional<std::uint8_t> inherited_priority;
  // task_allow_error_cb_on_chord_header
  enum class ChordErrbacks { body, header_and_body };
  ChordErrbacks chord_errbacks = ChordErrbacks::body;
};

// A composition that Celery refuses (ImproperlyConfigured, TypeError): the task that asked for it
// fails with this exception.
class CanvasError : public Error {
 public:
  CanvasError(std::string type, std::string module, const std::string& text)
      : Error(text), type_(std::move(type)), module_(std::move(module)) {}
  const std::string& type() const { return type_; }
  const std::string& module() const { return module_; }

 private:
  std::string type_, module_;
};

struct Applied {
  std::vector<Effect> effects;
  std::string id;     // of the task, the group, the last of a chain, a chord's body
  Json result_tuple;  // what Celery makes of its AsyncResult, parents and all
};

// Publish `signature` with the partial arguments and options given (Celery 5.7,
// canvas.py: Signature.apply_async, _chain.run, group.apply_async, _chord.run).
// The effects end with AddChild for what was applied.
Applied apply_signature(const Signature& signature, const Json::Array& partial_args,
                        const JsonObject& options, const CanvasContext& context);

// Celery 5.7, app/trace.py _dispatch_callbacks_and_chain.
std::vector<Effect> after_success(const TaskMessage& message, const Json& result,
                                  const CanvasContext& context);

// True for an error callback that runs inside the worker, with the failure itself.
using RunsInline = std::function<bool(const Signature& errback)>;

// Celery 5.7, backends/base.py mark_as_failure without the task's own result and its own part of
// a chord: the rest of the chain, then the error callbacks.
std::vector<Effect> after_failure(const TaskMessage& message, const ExceptionInfo& exception,
                                  const RunsInline& runs_inline, const CanvasContext& context);

// The last part of a chord is in: publish its body with the results (`callback.delay`).
std::vector<Effect> after_chord(const Json& body, const Json::Array& results,
                                const CanvasContext& context);

// The chord is given up (Celery 5.7, backends/base.py chord_error_from_stack). `exception` is the
// ChordError; `cause` is what a task of the header failed with, if one did.
std::vector<Effect> after_chord_failure(const Json& body, const ExceptionInfo& exception,
                                        const std::optional<ExceptionInfo>& cause,
                                        const RunsInline& runs_inline,
                                        const CanvasContext& context);

// How many completions a chord's header means (section 5.6).
std::int64_t chord_size(const std::vector<Signature>& header);

// What Task.replace publishes in the place of `message` (section 5.8). Throws CanvasError.
std::vector<Effect> replace_task(const TaskMessage& message, const Signature& with,
                                 const CanvasContext& context);

// What Task.add_to_chord publishes; the chord is to be grown by one before (section 5.8).
// Throws CanvasError if the task is no part of a chord.
Applied add_to_chord(const TaskMessage& message, const Signature& signature,
                     const CanvasContext& context);

}  // namespace celeriac::protocol
