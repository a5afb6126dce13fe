#include "worker/cli/program.h"

#include <celeriac/error.h>

#include <iostream>

#include "worker/cli/command_line.h"
#include "worker/cli/configuration.h"
#include "worker/cli/pidfile.h"
#include "worker/cli/stubs/stubs_command.h"
#include "worker/cli/tasks_command.h"
#include "worker/cli/worker_command.h"
#include "worker/config/load.h"
#include "worker/remote/worker_info.h"

namespace celeriac::worker {
namespace {

constexpr int kFailure = 1;
constexpr int kPidfileHeld = 73;  // EX_CANTCREAT, as Celery's

int check(const CommandLine& line, const std::vector<Extension>& extensions) {
  int exit_code = 0;
  std::vector<std::string> files = line.config_files;
  files.insert(files.end(), line.files.begin(), line.files.end());
  for (const std::string& file : files) {
    std::vector<std::string> warnings;
    const auto mistakes = check_file(file, extensions, process_environment(), warnings);
    for (const ConfigMistake& mistake : mistakes) std::cout << to_string(mistake) << "\n";
    for (const std::string& warning : warnings) std::cout << file << ": " << warning << "\n";
    if (mistakes.empty()) {
      std::cout << file << ": no mistakes\n";
    } else {
      exit_code = kFailure;
    }
  }
  return exit_code;
}

// For the commands that look at the tasks and run none.
template <class Show>
int with_tasks(const CommandLine& line, const std::vector<Extension>& extensions, Show show) {
  const Configuration configuration = load_configuration(line, extensions, process_environment());
  if (!configuration.ok()) return report(configuration);
  Registry registry;
  register_all(configuration.settings, extensions, registry);
  show(registry);
  return 0;
}

int run(const CommandLine& line, char** argv, const std::vector<Extension>& extensions) {
  switch (line.command) {
    case CommandLine::Command::worker:
      return run_worker_command(line, argv, extensions);
    case CommandLine::Command::check:
      return check(line, extensions);
    case CommandLine::Command::tasks:
      return with_tasks(line, extensions,
                        [](const Registry& registry) { std::cout << list_tasks(registry); });
    case CommandLine::Command::stubs:
      return with_tasks(line, extensions,
                        [&](const Registry& registry) { write_stubs(registry, line.stubs); });
    case CommandLine::Command::settings_manual:
      std::cout << settings_reference();
      return 0;
    case CommandLine::Command::none:
      break;
  }
  (line.exit_code == 0 ? std::cout : std::cerr) << line.output;
  return line.exit_code;
}

}  // namespace

int run_program(int argc, char** argv, const std::vector<Extension>& extensions) {
  try {
    const std::string version = software_info().find("sw_ver")->string_or("");
    return run(parse_command_line(argc, argv, version), argv, extensions);
  } catch (const PidfileHeld& held) {
    std::cerr << held.what() << "\n";
    return kPidfileHeld;
  } catch (const std::exception& error) {
    std::cerr << "Error: " << error.what() << "\n";
    return kFailure;
  }
}

}  // namespace celeriac::worker
