#include "worker/consumer/delayed_queue.h"

#include <string>

namespace celeriac::worker {
namespace {

using std::chrono::seconds;

// Powers of two of a minute up to about a day: seven waits at most bring a message within a
// minute of an eta a day away.
seconds step_below(seconds remaining) {
  constexpr seconds kShortest{60}, kLongest{60 << 10};
  seconds step = kShortest;
  while (2 * step <= remaining && 2 * step <= kLongest) step *= 2;
  return step;
}

}  // namespace

protocol::Queue delayed_queue(std::string_view origin, seconds remaining) {
  const seconds step = step_below(remaining);
  const auto milliseconds = std::chrono::milliseconds(step).count();
  protocol::Queue queue;
  queue.name = "celeriac.delayed." + std::to_string(step.count()) + "." + std::string(origin);
  queue.routing_key = queue.name;
  queue.arguments.set("x-message-ttl", milliseconds);
  queue.arguments.set("x-dead-letter-exchange", "");
  queue.arguments.set("x-dead-letter-routing-key", std::string(origin));
  // Only an unused queue expires, and an empty one has been unused for longer than any message
  // in it has waited.
  queue.arguments.set("x-expires", 2 * milliseconds + 60'000);
  return queue;
}

}  // namespace celeriac::worker
