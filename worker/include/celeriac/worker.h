// An own worker program: the command line of `celeriac` with one's own tasks in it.
#pragma once

#include <celeriac/registry.h>

#include <functional>

namespace celeriac {

// Runs `PROGRAM worker …`, `PROGRAM tasks`, `PROGRAM check …` with these tasks registered.
// Returns the exit code for main.
int run_worker(int argc, char** argv, const std::function<void(Registry&)>& register_tasks);

}  // namespace celeriac
