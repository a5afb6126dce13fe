// The end of a chord: what its header came to, and its body.
#pragma once

#include <celeriac/async.h>
#include <celeriac/retry.h>

#include <optional>
#include <string>
#include <vector>

#include "worker/execution/effects.h"

namespace celeriac::worker {

// Loop thread only. `run` is the task that publishes: the last of the header, or
// celery.chord_unlock.
class ChordEnd {
 public:
  ChordEnd(Services& services, Effects& effects, Run& run)
      : services_(services), effects_(effects), run_(run) {}

  // All parts are counted (Celery 5.7, backends/redis.py on_chord_part_return): publishes the body
  // with their results, or fails it.
  Async<void> counted(Json body, CompleteChord chord);

  // The same where nobody counts (Celery 5.7, app/builtins.py unlock_chord), for the result tuples
  // of the header. While some of them have no result it throws a Retry with these options; when
  // those are used up, the body has failed before.
  Async<void> unlock(std::string group_id, Json body, Json::Array header, RetryOptions again);

 private:
  struct Failure;
  struct Header;
  using Refusal = std::optional<protocol::ExceptionInfo>;

  Header join_counted(std::vector<ChordMember> members);
  Async<Header> join_saved(Json group);
  Async<Header> join_listed(Json::Array header);
  Async<Json> collect(Json result_tuple, Clock::time_point deadline);
  Async<bool> is_ready(Json result_tuple);
  Async<bool> are_ready(Json::Array header);
  Clock::time_point join_deadline() const;

  Async<Refusal> publish(Json body, Json::Array results);
  Async<Refusal> publish_under(ChordClaim claim, Json body, Json::Array results);
  Async<void> publish_then(Interruption& renewals, Json body, Json::Array results,
                           Refusal& refusal);
  Async<void> renew(Interruption& renewals, ChordClaim claim);
  Async<void> fail(std::string group_id, Json body, Failure failure);

  Services& services_;
  Effects& effects_;
  Run& run_;
};

}  // namespace celeriac::worker
