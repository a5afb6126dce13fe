// The command line of a worker program: the stock `celeriac`, or one's own.
#pragma once

#include <celeriac/config_reader.h>
#include <celeriac/registry.h>

#include <functional>
#include <string>
#include <vector>

namespace celeriac::worker {

// Tasks that are built into a program.
struct Extension {
  // Reads what is theirs in the top map of a configuration file, beside `worker`, and notes
  // mistakes. Called once for each file, before `register_tasks`; may be empty.
  std::function<void(ConfigMapView& top)> read;
  // Throws ConfigError for what cannot be.
  std::function<void(Registry&)> register_tasks;
  // What an operator should read in the log at the start. May be empty, and return nothing.
  std::function<std::string()> start_line;
};

// Runs one command and returns the exit code for main: 0 done, 1 failure, 2 wrong usage,
// 73 another worker holds the pidfile.
int run_program(int argc, char** argv, const std::vector<Extension>& extensions);

}  // namespace celeriac::worker
