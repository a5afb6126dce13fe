#include "worker/consumer/windows.h"

#include <functional>

namespace celeriac::worker {

std::uint64_t Windows::generation(std::string_view queue) const {
  const auto place = windows_.find(queue);
  return place == windows_.end() ? 0 : place->second.generation;
}

Windows::Room Windows::held(std::string_view queue) {
  const auto place = windows_.find(queue);
  Window& window = place == windows_.end() ? windows_[std::string(queue)] : place->second;
  ++window.held;
  if (prefetch_ == 0 || 2 * window.held <= prefetch_) return Room::enough;
  ++window.generation;
  window.held = 0;
  return Room::renew;
}

void Windows::released(std::string_view queue, std::uint64_t generation) {
  const auto place = windows_.find(queue);
  if (place == windows_.end() || place->second.generation != generation) return;
  if (place->second.held > 0) --place->second.held;
}

}  // namespace celeriac::worker
