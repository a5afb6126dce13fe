// How a run in a child ended, as a frame that the parent turns back into what the
// function returned or threw.
#pragma once

#include <celeriac/json.h>
#include <celeriac/request.h>

#include <exception>

namespace celeriac::worker::prefork {

// A returned value.
JsonObject value_outcome(Json value);
// What a task threw: Retry, Reject, Ignore, Replace or an exception.
JsonObject thrown_outcome(const std::exception_ptr& thrown);

// The value, or throws what the child's function threw; an exception comes out as the
// TaskError that a caller in Python sees.
Json take_outcome(const Json& outcome);

// A request on its way to the child.
Json request_to_json(const Request& request);
Request request_from_json(const Json& json);

}  // namespace celeriac::worker::prefork
