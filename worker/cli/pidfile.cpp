#include "worker/cli/pidfile.h"

#include <celeriac/error.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

namespace celeriac::worker {
namespace {

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Celery takes a process of another user for gone, too: it cannot be our worker.
bool lives(int pid) {
  return pid != ::getpid() && ::kill(pid, 0) == 0;
}

}  // namespace

int parse_pidfile(std::string_view content) {
  if (!content.ends_with('\n')) return 0;
  content.remove_suffix(1);
  int pid = 0;
  const auto [end, error] = std::from_chars(content.data(), content.data() + content.size(), pid);
  if (error != std::errc() || end != content.data() + content.size()) return 0;
  return pid > 0 ? pid : 0;
}

void Pidfile::check(const std::string& path) {
  const auto content = content_of(path);
  if (!content) return;
  const int pid = parse_pidfile(*content);
  if (pid == 0) {
    std::cerr << "Broken pidfile found - Removing it.\n";
  } else if (lives(pid)) {
    throw PidfileHeld("ERROR: Pidfile (" + path +
                      ") already exists.\nSeems we're already running? "
                      "(pid: " +
                      std::to_string(pid) + ")");
  } else {
    std::cerr << "Stale pidfile exists - Removing it.\n";
  }
  ::unlink(path.c_str());
}

Pidfile::Pidfile(std::string path) : path_(std::move(path)) {
  check(path_);
  const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  const std::string text = std::to_string(::getpid()) + "\n";
  const bool written =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int reason = errno;
  if (file >= 0) ::close(file);
  if (!written) {
    throw ConfigError("cannot write the pidfile '" + path_ + "': " + std::strerror(reason) +
                      "; create its directory, or choose another file with --pidfile");
  }
}

Pidfile::~Pidfile() {
  const auto content = content_of(path_);
  if (content && parse_pidfile(*content) == ::getpid()) ::unlink(path_.c_str());
}

}  // namespace celeriac::worker
