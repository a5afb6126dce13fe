// Puts the settings together from files, environment and command line.
#pragma once

#include <celeriac/registry.h>

#include <string>
#include <vector>

#include "worker/cli/command_line.h"
#include "worker/cli/program.h"
#include "worker/config/settings.h"

namespace celeriac::worker {

struct Configuration {
  Settings settings;
  std::vector<std::string> warnings;
  // In files and in the environment, and in the command line's own values.
  std::vector<ConfigMistake> mistakes, usage_mistakes;

  bool ok() const { return mistakes.empty() && usage_mistakes.empty(); }
};

// Each extension reads its part of each file.
Configuration load_configuration(const CommandLine& line, const std::vector<Extension>& extensions,
                                 const ConfigEnvironment& environment);

// Every mistake of one file, which is all that `celeriac check` looks at.
std::vector<ConfigMistake> check_file(const std::string& path,
                                      const std::vector<Extension>& extensions,
                                      const ConfigEnvironment& environment,
                                      std::vector<std::string>& warnings);

// Registers the tasks of the extensions and of the modules. Throws ConfigError.
void register_all(const Settings& settings, const std::vector<Extension>& extensions,
                  Registry& registry);

// Writes mistakes, one a line, on stderr. The exit code: 2 where only the line is wrong, else 1.
int report(const Configuration& configuration);

// This process's environment.
ConfigEnvironment process_environment();

}  // namespace celeriac::worker
