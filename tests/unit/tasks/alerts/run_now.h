// Runs a coroutine that never has to wait for the loop.
#pragma once

#include <celeriac/testing.h>

namespace celeriac::alerts {

using fake::run;

}  // namespace celeriac::alerts
