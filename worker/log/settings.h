// How the worker logs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace celeriac::worker {

namespace log {

// Celery's levels; FATAL is another name of CRITICAL.
enum class Level { debug, info, warning, error, critical };

// `INFO`, in any case, as a level; nothing for an unknown name.
std::optional<Level> parse_level(std::string_view name);
// Celery's spelling: `INFO`.
std::string_view to_string(Level level);

}  // namespace log

struct LogSettings {
  log::Level level = log::Level::warning;
  std::string file;           // -f; empty: stderr
  std::optional<bool> color;  // worker_log_color; unset: on a terminal
  enum class Format {
    text,  // Celery's own lines
    json,  // one object a line
  } format = Format::text;
  // The field names of JSON lines, here and for Logstash.
  enum class Fields { ecs, logstash_v1 } fields = Fields::ecs;
  std::string logstash;                 // HOST:PORT of a `tcp { codec => json_lines }` input
  std::size_t logstash_buffer = 10000;  // lines kept while it is away; then the oldest go
};

}  // namespace celeriac::worker
