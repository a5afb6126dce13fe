// New task ids.
#pragma once

#include <string>

namespace celeriac::worker {

// A random UUID (version 4) in Python's form. From any thread.
std::string new_uuid();

}  // namespace celeriac::worker
