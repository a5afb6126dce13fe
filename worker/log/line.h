// What one line of the log looks like. Pure: the time comes in.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "worker/log/process.h"
#include "worker/log/settings.h"

namespace celeriac::worker::log {

struct Line {
  Level level = Level::info;
  std::string_view logger;
  std::string_view text;
  std::string_view task_name, task_id;  // of the task it is about, if any
  bool from_task = false;               // the task wrote it itself
  const Process* process = nullptr;     // that it tells of; none: the origin's
  std::chrono::system_clock::time_point time;
};

// What is the same in every line of a process.
struct LineOrigin {
  Process process;
  std::string host;
};

// The text with its line breaks, other control characters and broken UTF-8 written as escapes: what
// came with a message cannot look like lines of ours.
std::string on_one_line(std::string_view text);

// Celery's worker_log_format and worker_task_log_format, in local time:
// `[2026-11-23 00:37:15,670: INFO/MainProcess] text`.
std::string celery_line(const Line& line, const LineOrigin& origin);
// The same in the colour that Celery gives the level on a terminal.
std::string colored_line(const Line& line, const LineOrigin& origin);
// One JSON object on one line, valid UTF-8 whatever the text is.
std::string json_line(const Line& line, const LineOrigin& origin, LogSettings::Fields fields);

}  // namespace celeriac::worker::log
