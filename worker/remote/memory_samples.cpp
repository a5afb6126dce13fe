#include "worker/remote/memory_samples.h"

#include <array>
#include <cstdio>
#include <utility>

#include "worker/monitoring/process_usage.h"

namespace celeriac::worker {

namespace {

constexpr std::size_t kShown = 10;
constexpr std::size_t kKept = 1000;  // nobody may ever ask for a dump

std::string resident_memory() {
  const auto usage = process_usage();
  return usage ? human_bytes(static_cast<double>(usage->resident_bytes)) : std::string();
}

}  // namespace

std::string human_bytes(double bytes) {
  constexpr std::array<std::pair<double, const char*>, 4> kUnits{
      {{0x1p40, "TB"}, {0x1p30, "GB"}, {0x1p20, "MB"}, {0x1p10, "KB"}}};
  double value = bytes;
  const char* unit = "b";
  for (const auto& [size, name] : kUnits) {
    if (bytes < size) continue;
    value = bytes / size;
    unit = name;
    break;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.5g%s", value, unit);
  return text.data();
}

std::string MemorySamples::take() {
  samples_.push_back(resident_memory());
  if (samples_.size() > kKept) samples_.pop_front();
  return samples_.back();
}

std::string MemorySamples::dump() {
  const std::deque<std::string> samples = std::exchange(samples_, {});
  const std::size_t step = samples.size() <= kShown ? 1 : samples.size() / kShown;
  std::string text = samples.empty() ? "" : "- rss (sample):\n";
  for (std::size_t i = 0, shown = 0; i < samples.size() && shown < kShown; i += step, ++shown) {
    text += "-    > " + samples[i] + ",\n";
  }
  return text + "- rss (end): " + resident_memory() + ".\n";
}

}  // namespace celeriac::worker
