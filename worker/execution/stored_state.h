// The states of a running task as the result backend keeps them.
#pragma once

#include <optional>
#include <string>

#include "worker/backend/result_backend.h"
#include "worker/execution/run.h"
#include "worker/execution/services.h"

namespace celeriac::worker {

// The document of a task that this worker has in hand, with its children so far.
StoredState make_state(const Services& services, const Run& run, std::string status, Json result,
                       std::optional<std::string> traceback = std::nullopt);

// FAILURE of a task that will never run here: the rest of a chain, the body of a chord.
StoredState make_failure(const Services& services, std::string task_id,
                         const protocol::ExceptionInfo& exception, const Signature& member);

}  // namespace celeriac::worker
