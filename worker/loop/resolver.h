// Names to addresses, off the loop.
#pragma once

#include <celeriac/async.h>

#include <string>
#include <vector>

#include "worker/loop/loop.h"

namespace celeriac::worker {

// The numeric addresses of a host, in the order in which the system prefers them; never
// empty. A numeric address is its own. Throws ConnectionLost naming the host.
Async<std::vector<std::string>> resolve(Loop& loop, std::string host);

}  // namespace celeriac::worker
