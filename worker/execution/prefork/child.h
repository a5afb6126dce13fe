// The other side of `-P prefork`: a process that runs one plain function at a time.
//
// It is the worker's own program, started anew with the same command line (never forked
// out of a process with threads): it reads its settings, registers its tasks, and then
// finds by an environment variable that it is a child.
#pragma once

#include <celeriac/registry.h>

#include <optional>

namespace celeriac::worker::prefork {

// The variable that carries the child's end of the socket pair.
inline constexpr const char* kChildVariable = "CELERIAC_POOL_CHILD";

// The descriptor if this process is a pool child. Ask before anything is started, written
// or bound that only the worker itself may have: pid file, banner, sockets.
std::optional<int> child_descriptor();

// Serves until the parent closes the socket; the exit code. SIGINT is left to the parent,
// which decides when its children end.
int run_child(int descriptor, const Registry& registry);

}  // namespace celeriac::worker::prefork
