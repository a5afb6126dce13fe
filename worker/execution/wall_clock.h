// The clock on the wall, for what is written into messages and results.
#pragma once

#include <chrono>

#include "protocol/message/timestamp.h"

namespace celeriac::worker {

inline protocol::Timestamp wall_clock() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace celeriac::worker
