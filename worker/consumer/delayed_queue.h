// Queues in which a message waits at the broker until it is due, and then returns by itself to
// the queue it came from.
#pragma once

#include <chrono>
#include <string_view>

#include "protocol/message/queue.h"

namespace celeriac::worker {

// The queue for messages of `origin` that are due after `remaining`. Delays are rounded down to
// a few steps, so that a handful of queues serves all; a message that comes back early waits
// again. The queue goes away by itself once it has not been used for a while. Pure.
protocol::Queue delayed_queue(std::string_view origin, std::chrono::seconds remaining);

}  // namespace celeriac::worker
