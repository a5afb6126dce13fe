// RetryOptions as JSON: on their way from a child process, and as the options of the call that
// publishes the next try.
#pragma once

#include <celeriac/retry.h>

namespace celeriac::worker {

// What is left of them when Task.retry has taken its own: the options of apply_async, by Celery's
// names.
JsonObject execution_options(const RetryOptions& options);

JsonObject retry_options_to_json(const RetryOptions& options);
RetryOptions retry_options_from_json(const Json& json);

}  // namespace celeriac::worker
