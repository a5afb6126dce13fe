// Keeps the revoked ids over a restart (--statedb). Python's file is a shelve of pickles, which
// nothing else reads; ours is JSON: {"version": 1, "revoked": ["id", …]}, oldest first.
#pragma once

#include <string>
#include <vector>

namespace celeriac::worker {

class StateDb {
 public:
  // An empty path keeps nothing.
  explicit StateDb(std::string path) : path_(std::move(path)) {}

  // The ids of the last run; none if there is no file yet. Throws ConfigError for a file that
  // is not ours, naming it: it is never overwritten.
  std::vector<std::string> load() const;

  // Replaces the file as a whole, so that a crash leaves the old one or the new one. Throws
  // Error naming the file and the cause.
  void save(const std::vector<std::string>& revoked) const;

  bool enabled() const { return !path_.empty(); }

 private:
  std::string path_;
};

}  // namespace celeriac::worker
