// How bad an alarm is, from what may wait to what must not.
#pragma once

#include <optional>
#include <string_view>

namespace celeriac::alerts {

enum class Severity { info, warning, error, critical };

constexpr std::string_view to_text(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
    case Severity::critical:
      return "critical";
  }
  return "warning";
}

constexpr std::optional<Severity> parse_severity(std::string_view text) {
  for (const auto severity :
       {Severity::info, Severity::warning, Severity::error, Severity::critical}) {
    if (to_text(severity) == text) return severity;
  }
  return std::nullopt;
}

}  // namespace celeriac::alerts
