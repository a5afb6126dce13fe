// The file that names the running worker's process (Celery's celery.platforms.Pidfile).
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace celeriac::worker {

// What stands in a pidfile: one number and a line break. 0 for anything else.
int parse_pidfile(std::string_view content);

// Another worker holds the file: exit code 73, EX_CANTCREAT.
class PidfileHeld : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Holds the file until destroyed.
class Pidfile {
 public:
  // Takes the file over from a process that is gone. Throws PidfileHeld with Celery's words if
  // it lives, ConfigError if the file cannot be written.
  explicit Pidfile(std::string path);
  // Removes the file if it is still ours.
  ~Pidfile();
  Pidfile(const Pidfile&) = delete;
  Pidfile& operator=(const Pidfile&) = delete;

  // Throws PidfileHeld if a live process holds the file; removes the file of one that is gone.
  static void check(const std::string& path);

 private:
  std::string path_;
};

}  // namespace celeriac::worker
