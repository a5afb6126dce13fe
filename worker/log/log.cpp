#include "worker/log/log.h"

#include <celeriac/error.h>
#include <fcntl.h>
#include <spdlog/async.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include "worker/log/line.h"
#include "worker/log/logstash_connection.h"

namespace celeriac::worker::log {
namespace {

constexpr std::chrono::milliseconds kStopGrace{1000};

// Lines come formatted; each becomes one write, so that several processes may share the file.
class DescriptorSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(std::string path) : path_(std::move(path)) {
    if (!path_.empty()) open();
  }
  ~DescriptorSink() override { close(); }

  void reopen() {
    const std::lock_guard lock(mutex_);
    if (path_.empty()) return;
    close();
    open();
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    line_.assign(message.payload.data(), message.payload.size());
    line_ += '\n';
    std::string_view rest = line_;
    while (!rest.empty()) {
      const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;  // a full disk or a closed pipe must not end the worker
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void flush_() override {}

 private:
  void open() {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor_ >= 0) return;
    const std::string reason = std::strerror(errno);
    descriptor_ = STDERR_FILENO;
    throw ConfigError("cannot open the log file '" + path_ + "': " + reason +
                      "; create its directory, or choose another file with -f");
  }
  void close() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
    descriptor_ = STDERR_FILENO;
  }

  const std::string path_;
  int descriptor_ = STDERR_FILENO;
  std::string line_;
};

class LogstashSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogstashSink(LogstashConnection& connection) : connection_(connection) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    connection_.send(std::string(message.payload.data(), message.payload.size()) + "\n");
  }
  void flush_() override {}

 private:
  LogstashConnection& connection_;
};

// A queue of lines and the thread that sends them. spdlog's queue drops its oldest
// line when it is full, and never makes the writer wait.
class LogstashShipper {
 public:
  LogstashShipper(const std::string& address, std::size_t buffer)
      : connection_(address),
        pool_(std::make_shared<spdlog::details::thread_pool>(buffer, 1)),
        logger_(std::make_shared<spdlog::async_logger>(
            "logstash", std::make_shared<LogstashSink>(connection_), pool_,
            spdlog::async_overflow_policy::overrun_oldest)) {}

  ~LogstashShipper() {
    connection_.give_up(kStopGrace);
    pool_.reset();  // its thread has ended before the logger and the sink go, which it uses
  }

  void ship(const std::string& line) { logger_->log(spdlog::level::info, line); }
  std::size_t dropped() { return pool_->overrun_counter(); }

 private:
  LogstashConnection connection_;  // outlives the thread in the pool
  // spdlog's pool and logger share ownership because a queued line keeps its logger.
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

class Writer {
 public:
  explicit Writer(const LogSettings& settings)
      : settings_(settings),
        sink_(std::make_shared<DescriptorSink>(settings.file)),
        logger_("celeriac", sink_) {
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    origin_.host = host.data();
    origin_.process.pid = ::getpid();
    const bool terminal = settings.file.empty() && ::isatty(STDERR_FILENO) == 1;
    colored_ = settings.format == LogSettings::Format::text && settings.color.value_or(terminal);
    if (!settings.logstash.empty()) {
      shipper_ = std::make_unique<LogstashShipper>(settings.logstash, settings.logstash_buffer);
    }
  }

  void write(const Line& line) {
    std::string text;
    if (settings_.format == LogSettings::Format::json) {
      text = json_line(line, origin_, settings_.fields);
    } else {
      text = colored_ ? colored_line(line, origin_) : celery_line(line, origin_);
    }
    logger_.log(spdlog::level::info, text);
    if (shipper_) shipper_->ship(json_line(line, origin_, settings_.fields));
  }

  void reopen() { sink_->reopen(); }
  void set_process_name(std::string name) {
    origin_.process.name = std::move(name);
    origin_.process.pid = ::getpid();
  }
  std::size_t dropped() { return shipper_ ? shipper_->dropped() : 0; }

 private:
  LogSettings settings_;
  LineOrigin origin_;
  bool colored_ = false;
  std::shared_ptr<DescriptorSink> sink_;  // shared with the logger, whose interface asks for it
  spdlog::logger logger_;
  std::unique_ptr<LogstashShipper> shipper_;
};

std::atomic<Level> threshold{Level::warning};

std::unique_ptr<Writer>& writer() {
  static auto instance = std::make_unique<Writer>(LogSettings{});
  return instance;
}

}  // namespace

void start(const LogSettings& settings) {
  writer() = std::make_unique<Writer>(settings);
  set_level(settings.level);
}

void stop() {
  LogSettings settings;
  settings.level = threshold;
  start(settings);
}

void reopen() {
  writer()->reopen();
}

void set_level(Level level) {
  threshold = level;
}
void set_process_name(std::string name) {
  writer()->set_process_name(std::move(name));
}

bool enabled(Level level) noexcept {
  return level >= threshold.load(std::memory_order_relaxed);
}

std::uint64_t dropped_lines() noexcept {
  return writer()->dropped();
}

void write(Level level, std::string_view logger, std::string_view text) {
  write(level, logger, text, TaskMark{});
}

void write(Level level, std::string_view logger, std::string_view text, TaskMark task) {
  if (!enabled(level)) return;
  writer()->write({level, logger, text, task.name, task.id, false, task.process,
                   std::chrono::system_clock::now()});
}

void write_from_task(Level level, std::string_view text, TaskMark task) {
  if (!enabled(level)) return;
  writer()->write({level, task.name, text, task.name, task.id, true, task.process,
                   std::chrono::system_clock::now()});
}

}  // namespace celeriac::worker::log
