// `celeriac stubs`: what is registered, for those who call it.
#pragma once

#include <celeriac/registry.h>

#include <string>

namespace celeriac::worker {

struct StubsRequest {
  enum class Format { python, json_schema };
  Format format = Format::python;
  std::string file;  // empty: standard output
};

// Throws ConfigError if there is no task, a task cannot be written, or the file cannot.
void write_stubs(const Registry& registry, const StubsRequest& request);

}  // namespace celeriac::worker
