// What a worker does to its own process before it starts: directory, umask, user, background.
#pragma once

#include <string>

#include "worker/config/settings.h"

namespace celeriac::worker {

// True in the process that `detach` started: it is where it should be already.
bool is_detached_child();

// Changes into the directory. Throws ConfigError.
void enter_directory(const std::string& directory);

// Umask, group and user. Throws ConfigError for a name that is unknown or a change that the
// system refuses.
void take_identity(const ProcessSettings& settings);

// Starts this program again with the same arguments, in a session of its own, without a terminal
// and with /dev/null as its standard files, and returns. The caller then ends.
void detach(char** argv);

}  // namespace celeriac::worker
