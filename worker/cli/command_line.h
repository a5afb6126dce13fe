// What the command line says, before any of it is done.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "worker/cli/stubs/stubs_command.h"
#include "worker/config/settings.h"

namespace celeriac::worker {

struct CommandLine {
  enum class Command {
    worker,
    check,            // the configuration files in `files`
    tasks,            // lists what is registered
    stubs,            // writes it for callers, as `stubs` says
    settings_manual,  // `docs settings`
    none,             // everything is said: print `output` and end with `exit_code`
  };
  Command command = Command::none;

  // Settings in the order of the line, as text: an option's value, or NAME=VALUE.
  struct Given {
    const Setting* setting;
    std::string text;
    std::string origin;  // "--concurrency"
  };
  std::vector<Given> given;
  std::vector<std::string> config_files;  // --config
  std::vector<std::string> files;         // of `check`
  StubsRequest stubs;
  std::string workdir;  // --workdir: entered before anything is read
  bool print_config = false;
  // Options that were accepted and mean nothing here, with the reason.
  std::vector<std::string> warnings;

  std::string output;
  int exit_code = 0;  // not 0: `output` is an error
};

// Celery's options of `celery worker` under the same names; the global ones stand before or
// behind the command. Mistakes of usage end with exit code 2, as Celery's.
CommandLine parse_command_line(int argc, const char* const* argv, const std::string& version);

}  // namespace celeriac::worker
