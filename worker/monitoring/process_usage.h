// What this process uses of the machine, from /proc.
#pragma once

#include <cstdint>
#include <optional>

namespace celeriac::worker {

struct ProcessUsage {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  // Unix
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t open_files = 0, max_files = 0;
  std::uint64_t threads = 0;
};

// Empty where there is no /proc.
std::optional<ProcessUsage> process_usage();

}  // namespace celeriac::worker
