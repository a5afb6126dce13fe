// What Python's `+`, `*` and sum() do with the values that the suite's tasks pass around.
#pragma once

#include <celeriac/json.h>

namespace celery_suite {

// Numbers, texts and lists. Throws celeriac::TaskError(TypeError) for anything else.
celeriac::Json plus(const celeriac::Json& x, const celeriac::Json& y);
celeriac::Json times(const celeriac::Json& x, const celeriac::Json& y);
// sum() of a list: its members are numbers.
celeriac::Json sum(const celeriac::Json& numbers);

}  // namespace celery_suite
