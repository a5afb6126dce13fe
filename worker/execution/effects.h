// Performs what follows from a task: messages to publish, chords to count, errors to pass on.
#pragma once

#include <celeriac/async.h>

#include <optional>
#include <string>
#include <vector>

#include "protocol/message/canvas.h"
#include "worker/execution/run.h"
#include "worker/execution/services.h"

namespace celeriac::worker {

// Loop thread only. All complete when their consequences are durable: stored, or confirmed by
// the broker. They throw what the broker throws when it refuses a message.
class Effects {
 public:
  explicit Effects(Services& services) : services_(services) {}

  // What deciding about `run` needs from outside.
  protocol::CanvasContext canvas_context(const Run& run) const;

  // Which error callbacks run inside this worker.
  protocol::RunsInline runs_inline() const;

  // In their order; the result tuples of what is sent become children of the run.
  Async<void> perform(std::vector<protocol::Effect> effects, Run& run);

  // Tells the chord that the run is a part of, if it is part of one.
  Async<void> count_in_chord(std::string state, Json result, Run& run);

  // After the failure has been stored: the rest of the chain, the error callbacks.
  Async<void> pass_on_failure(protocol::ExceptionInfo exception, Run& run);

 private:
  void require_counted(const std::vector<protocol::Effect>& effects) const;
  Async<void> perform_one(protocol::Effect effect, Run& run);
  Async<void> fail_task(protocol::FailTask failed, Run& run);
  Async<void> call_errback(protocol::CallErrback call, Run& run);
  Async<void> count_part(protocol::ChordPart part, Run& run);

  Services& services_;
};

}  // namespace celeriac::worker
