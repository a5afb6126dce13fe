// `celeriac worker`.
#pragma once

#include <vector>

#include "worker/cli/command_line.h"
#include "worker/cli/program.h"

namespace celeriac::worker {

// Runs a worker as the line says; the exit code is Celery's. `argv` is what the program was
// started with, for -D. Throws ConfigError and PidfileHeld.
int run_worker_command(const CommandLine& line, char** argv,
                       const std::vector<Extension>& extensions);

}  // namespace celeriac::worker
