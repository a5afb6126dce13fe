// How the run of a task can end.
#pragma once

#include <celeriac/json.h>
#include <celeriac/signature.h>

#include <string>
#include <variant>

#include "protocol/message/result.h"
#include "worker/execution/retry_plan.h"

namespace celeriac::worker {

struct Succeeded {
  Json result;
};
struct Failed {
  protocol::ExceptionInfo exception;
};
struct Ignored {};
struct Rejected {
  std::string reason;
  bool requeue = false;
};
struct Replaced {
  Signature with;
};
struct HardLimitExceeded {
  double limit = 0;  // seconds
};
// By a revoke with terminate.
struct Terminated {
  int signal = 0;
};
// A cold shutdown ended it; the broker gives the message to somebody else.
struct Abandoned {};

using Outcome = std::variant<Succeeded, Failed, AnotherTry, Ignored, Rejected, Replaced,
                             HardLimitExceeded, Terminated, Abandoned>;

}  // namespace celeriac::worker
