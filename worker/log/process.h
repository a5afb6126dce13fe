// The process that a line of the log shows.
#pragma once

#include <cstdint>
#include <string>

namespace celeriac::worker::log {

struct Process {
  std::string name = "MainProcess";
  std::int64_t pid = 0;
};

}  // namespace celeriac::worker::log
