#include "worker/log/line.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace celeriac::worker::log {

std::optional<Level> parse_level(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  if (upper == "DEBUG") return Level::debug;
  if (upper == "INFO") return Level::info;
  if (upper == "WARNING" || upper == "WARN") return Level::warning;
  if (upper == "ERROR") return Level::error;
  if (upper == "CRITICAL" || upper == "FATAL") return Level::critical;
  return std::nullopt;
}

std::string_view to_string(Level level) {
  switch (level) {
    case Level::debug:
      return "DEBUG";
    case Level::info:
      return "INFO";
    case Level::warning:
      return "WARNING";
    case Level::error:
      return "ERROR";
    case Level::critical:
      return "CRITICAL";
  }
  return "INFO";
}

namespace {

int milliseconds_of(std::chrono::system_clock::time_point time) {
  const auto since = time.time_since_epoch();
  const auto second = std::chrono::floor<std::chrono::seconds>(since);
  return static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since - second).count());
}

std::string broken_down(std::chrono::system_clock::time_point time, const std::tm& parts,
                        const char* format, char fraction_mark) {
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), format, &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), "%c%03d", fraction_mark, milliseconds_of(time));
  return std::string(text.data(), size) + fraction.data();
}

std::string local_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return broken_down(time, parts, "%Y-%m-%d %H:%M:%S", ',');
}

std::string utc_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return broken_down(time, parts, "%Y-%m-%dT%H:%M:%S", '.') + "Z";
}

// The length of the well-formed UTF-8 sequence at the front of `text`; 0 if it is none
// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && byte(1) < 0xA0) return 0;
  if (first == 0xED && byte(1) > 0x9F) return 0;
  if (first == 0xF0 && byte(1) < 0x90) return 0;
  if (first == 0xF4 && byte(1) > 0x8F) return 0;
  return size;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t size = utf8_sequence(text);
    if (size == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape.data();
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out += '"';
}

// Writes members one after the other; names are ours and need no escapes.
class ObjectWriter {
 public:
  ObjectWriter& text(std::string_view name, std::string_view value) {
    append_json_string(begin(name), value);
    return *this;
  }
  ObjectWriter& number(std::string_view name, std::int64_t value) {
    begin(name) += std::to_string(value);
    return *this;
  }
  ObjectWriter& raw(std::string_view name, std::string_view json) {
    begin(name) += json;
    return *this;
  }
  std::string take() { return std::move(out_) + "}"; }

 private:
  std::string& begin(std::string_view name) {
    out_ += out_.empty() ? "{\"" : ",\"";
    out_ += name;
    out_ += "\":";
    return out_;
  }
  std::string out_;
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

const Process& process_of(const Line& line, const LineOrigin& origin) {
  return line.process ? *line.process : origin.process;
}

std::string ecs_line(const Line& line, const LineOrigin& origin) {
  ObjectWriter object;
  object.text("@timestamp", utc_time(line.time))
      .text("log.level", lower(to_string(line.level)))
      .text("message", line.text)
      .text("ecs.version", "8.11.0")
      .text("log.logger", line.logger)
      .text("event.dataset", "celeriac.log")
      .text("service.name", "celeriac")
      .text("host.name", origin.host)
      .number("process.pid", process_of(line, origin).pid)
      .text("process.name", process_of(line, origin).name);
  if (!line.task_id.empty()) {
    object.text("labels.task_id", line.task_id).text("labels.task_name", line.task_name);
  }
  return object.take();
}

std::string logstash_v1_line(const Line& line, const LineOrigin& origin) {
  ObjectWriter object;
  object.text("@timestamp", utc_time(line.time))
      .text("@version", "1")
      .text("message", line.text)
      .text("host", origin.host)
      .raw("tags", "[]")
      .text("type", "logstash")
      .text("level", to_string(line.level))
      .text("logger_name", line.logger)
      .number("process", process_of(line, origin).pid)
      .text("process_name", process_of(line, origin).name);
  if (!line.task_id.empty()) {
    object.text("task_id", line.task_id).text("task_name", line.task_name);
  }
  return object.take();
}

}  // namespace

std::string on_one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t size = utf8_sequence(text);
    if (byte == '\n') {
      line += "\\n";
    } else if (size == 0 || byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(byte));
      line += escape.data();
    } else {
      line.append(text.substr(0, size));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return line;
}

std::string celery_line(const Line& line, const LineOrigin& origin) {
  std::string text = "[" + local_time(line.time) + ": ";
  text.append(to_string(line.level)).append("/").append(process_of(line, origin).name).append("] ");
  if (line.from_task) {
    text += on_one_line(line.task_name) + "[" + on_one_line(line.task_id) + "]: ";
  }
  return text.append(line.text);
}

std::string colored_line(const Line& line, const LineOrigin& origin) {
  const char* color = nullptr;
  switch (line.level) {
    case Level::debug:
      color = "\x1b[1;34m";
      break;
    case Level::info:
      return celery_line(line, origin);
    case Level::warning:
      color = "\x1b[1;33m";
      break;
    case Level::error:
      color = "\x1b[1;31m";
      break;
    case Level::critical:
      color = "\x1b[1;35m";
      break;
  }
  return color + celery_line(line, origin) + "\x1b[0m";
}

std::string json_line(const Line& line, const LineOrigin& origin, LogSettings::Fields fields) {
  return fields == LogSettings::Fields::ecs ? ecs_line(line, origin)
                                            : logstash_v1_line(line, origin);
}

}  // namespace celeriac::worker::log
