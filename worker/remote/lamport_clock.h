// Logical time, shared by events and remote control (Lamport).
#pragma once

#include <algorithm>
#include <cstdint>

namespace celeriac::worker {

class LamportClock {
 public:
  std::uint64_t value() const { return value_; }

  // The next moment here.
  std::uint64_t forward() { return ++value_; }

  // The next moment after one seen elsewhere.
  std::uint64_t adjust(std::uint64_t other) { return value_ = std::max(value_, other) + 1; }

 private:
  std::uint64_t value_ = 0;
};

}  // namespace celeriac::worker
