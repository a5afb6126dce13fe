#include <celeriac/worker.h>

#include "worker/cli/program.h"

namespace celeriac {

int run_worker(int argc, char** argv, const std::function<void(Registry&)>& register_tasks) {
  return worker::run_program(argc, argv, {{nullptr, register_tasks, nullptr}});
}

}  // namespace celeriac
