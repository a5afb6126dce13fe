// Log lines of the worker. Levels, loggers and formats are Celery's.
//
// From any thread; a line is written whole. Formatting is for lines that are written: ask
// `enabled` first where a line costs something and may be off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "worker/log/process.h"
#include "worker/log/settings.h"

namespace celeriac::worker::log {

bool enabled(Level level) noexcept;

// `logger` is Celery's name for the part that speaks: "celery.worker.strategy",
// "celery.app.trace" … It is not kept. Lines of a text with line breaks stay one record.
void write(Level level, std::string_view logger, std::string_view text);

// The task that a line is about: shown as fields in structured formats.
struct TaskMark {
  std::string_view name, id;
  const Process* process = nullptr;  // the pool's that runs it; none: this one
};
void write(Level level, std::string_view logger, std::string_view text, TaskMark task);

// A line that a task itself wrote (worker_task_log_format).
void write_from_task(Level level, std::string_view text, TaskMark task);

// Says where lines go from now on; until then they go to stderr, from WARNING on. Call
// it before other threads log. Throws ConfigError if the file cannot be opened or the
// address of Logstash is none.
void start(const LogSettings& settings);
// Sends what waits for Logstash, for a second at most. Later lines go to stderr.
void stop();
// Opens the file again under its name, after it was rotated.
void reopen();

void set_level(Level level);
// Shown in every line: `MainProcess` unless a child says otherwise. Before other threads log.
void set_process_name(std::string name);

// Lines for Logstash that were dropped, oldest first, because it was away too long.
std::uint64_t dropped_lines() noexcept;

}  // namespace celeriac::worker::log
