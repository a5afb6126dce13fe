#include "tasks/alerts/duration.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace celeriac::alerts {

std::string to_text(Milliseconds duration) {
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits = {
      {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
  std::string text;
  std::int64_t left = duration.count();
  for (const auto& [name, length] : kUnits) {
    if (left < length) continue;
    text += std::to_string(left / length) + std::string(name);
    left %= length;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace celeriac::alerts
