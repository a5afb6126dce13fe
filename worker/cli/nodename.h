// Node names and the placeholders in them (wire page, section 9.1). Pure.
#pragma once

#include <string>

namespace celeriac::worker {

// `given` with %h (host), %n (its first label), %d (the rest) and %% filled in, and what is
// missing of NAME@HOST from `celery` and the host. Throws ConfigError for another letter.
std::string make_nodename(const std::string& given, const std::string& host);

// A path with %n (the node's name before @), %h (behind it), %d (the host's domain), %p (all of
// it), %i and %I (the child's number; 0 and nothing in the main process) filled in.
std::string expand_path(const std::string& path, const std::string& nodename);

}  // namespace celeriac::worker
