#include "worker/monitoring/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace celeriac::worker {
namespace {

// Unix time of the machine's start, which the start times of processes count from.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return std::nullopt;
}

// The fields of /proc/self/stat from the third on; the second, the name, may hold anything.
std::vector<std::uint64_t> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 4 > line.size()) return {};
  std::istringstream rest(line.substr(name_end + 4));  // behind `) S `
  return {std::istream_iterator<std::uint64_t>(rest), {}};
}

std::uint64_t open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return 0;
  const auto count = static_cast<std::uint64_t>(std::distance(begin(files), end(files)));
  return count - 1;  // one of them is what we read with
}

}  // namespace

std::optional<ProcessUsage> process_usage() {
  // Numbered as in proc(5), minus the four that were dropped or cut off. Field 8, tpgid, may be
  // -1, which reads as a large number.
  constexpr std::size_t kUserTime = 14 - 4, kSystemTime = 15 - 4, kThreads = 20 - 4,
                        kStartTime = 22 - 4, kVirtualBytes = 23 - 4, kResidentPages = 24 - 4;
  const auto fields = stat_fields();
  const auto boot = boot_time();
  if (fields.size() <= kResidentPages || !boot) return std::nullopt;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  ProcessUsage usage;
  usage.cpu_seconds = static_cast<double>(fields[kUserTime] + fields[kSystemTime]) / ticks;
  usage.start_time_seconds = *boot + static_cast<double>(fields[kStartTime]) / ticks;
  usage.threads = fields[kThreads];
  usage.virtual_bytes = fields[kVirtualBytes];
  usage.resident_bytes =
      fields[kResidentPages] * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  usage.open_files = open_files();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.max_files = limit.rlim_cur;
  return usage;
}

}  // namespace celeriac::worker
