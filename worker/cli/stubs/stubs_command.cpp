#include "worker/cli/stubs/stubs_command.h"

#include <celeriac/error.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <vector>

#include "worker/cli/stubs/json_schema.h"
#include "worker/cli/stubs/python_module.h"

namespace celeriac::worker {
namespace {

void write_file(const std::string& file, const std::string& text) {
  errno = 0;
  std::ofstream stream(file, std::ios::binary);
  stream << text << std::flush;
  if (!stream) {
    throw ConfigError("-o " + file + ": cannot be written: " + std::strerror(errno));
  }
}

}  // namespace

void write_stubs(const Registry& registry, const StubsRequest& request) {
  std::vector<const TaskDefinition*> tasks;
  for (const TaskDefinition* task : registry.tasks()) {
    if (!task->builtin) tasks.push_back(task);
  }
  if (tasks.empty()) throw ConfigError("no task is registered; give a module with -A");
  const std::string text = request.format == StubsRequest::Format::python
                               ? python_module(tasks)
                               : indented_json(json_schema(tasks));
  if (request.file.empty()) {
    std::cout << text << std::flush;
  } else {
    write_file(request.file, text);
  }
}

}  // namespace celeriac::worker
