// How full the prefetch window of each consumer is with messages that are held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace celeriac::worker {

// Pure. A window is renewed when more than half of it is held, so that held messages never
// starve the others of the queue; what was held before belongs to an older generation.
class Windows {
 public:
  // `prefetch` 0: no bound, so nothing ever starves.
  explicit Windows(std::size_t prefetch) : prefetch_(prefetch) {}

  std::size_t prefetch() const { return prefetch_; }
  void set_prefetch(std::size_t prefetch) { prefetch_ = prefetch; }

  // Which generation a message of this queue is delivered in.
  std::uint64_t generation(std::string_view queue) const;

  enum class Room { enough, renew };
  // `renew`: ask the broker for a fresh window now; this call has begun a new generation.
  Room held(std::string_view queue);
  void released(std::string_view queue, std::uint64_t generation);

 private:
  struct Window {
    std::uint64_t generation = 0;
    std::size_t held = 0;
  };
  std::size_t prefetch_;
  std::map<std::string, Window, std::less<>> windows_;
};

}  // namespace celeriac::worker
