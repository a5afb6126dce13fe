// Points in time as Celery writes and reads them: ISO 8601 with microseconds
// (wire page, section 2.5). GCC 12 has no std::chrono::parse.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace celeriac::protocol {

// Microseconds since the Unix epoch, UTC.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// Reads what Celery's worker reads (dateutil's isoparse): a date alone or with a
// time, `Z` or an offset; without a zone it is UTC. Empty if it is none of these.
std::optional<Timestamp> parse_iso8601(std::string_view text);

// `2026-11-23T00:36:42.364875+00:00`; the fraction is left out when it is zero,
// as Python's isoformat does.
std::string to_iso8601(Timestamp time);

// The current time as seconds with a fraction, as events carry it.
double to_unix_seconds(Timestamp time);

}  // namespace celeriac::protocol
