// Points in time as sources and headers write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace celeriac::alerts {

using Time = std::chrono::system_clock::time_point;

// ISO 8601, `2026-01-02T03:04:05[.fraction][Z|±hh:mm]`, a blank for the T allowed, UTC when no
// zone is given. Nothing for any other text.
std::optional<Time> parse_time(std::string_view text);

// The same, to the second, with Z.
std::string to_iso8601(Time time);

// RFC 9110's IMF-fixdate, `Fri, 02 Jan 2026 03:04:05 GMT`, as Retry-After may have it.
std::optional<Time> parse_http_date(std::string_view text);

}  // namespace celeriac::alerts
