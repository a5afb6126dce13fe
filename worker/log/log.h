// Log lines of the worker. Levels, loggers and formats are Celery's.
//
// From any thread. Formatting is for lines that are written: ask `enabled` first where a line
// costs something and may be off.
#pragma once

#include <string_view>

namespace celeriac::worker::log {

enum class Level { debug, info, warning, error, critical };

bool enabled(Level level);

// `logger` is Celery's name for the part that speaks: "celery.worker.strategy",
// "celery.app.trace" … It is not kept. Lines of a text with line breaks stay one record.
void write(Level level, std::string_view logger, std::string_view text);

// The task that a line is about: shown as fields in structured formats.
struct TaskMark {
  std::string_view name, id;
};
void write(Level level, std::string_view logger, std::string_view text, TaskMark task);

// A line that a task itself wrote (worker_task_log_format).
void write_from_task(Level level, std::string_view text, TaskMark task);

}  // namespace celeriac::worker::log
