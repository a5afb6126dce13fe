// The ids of revoked tasks: bounded, and each for a limited time (Celery 5.x, worker/state.py,
// utils/collections.py LimitedSet).
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/loop/loop.h"

namespace celeriac::worker {

struct RevokedLimits {
  std::size_t max_ids = 50000;          // CELERY_WORKER_REVOKES_MAX
  std::chrono::seconds expires{10800};  // CELERY_WORKER_REVOKE_EXPIRES
};

// Pure: monotonic time comes in.
class Revoked {
 public:
  explicit Revoked(RevokedLimits limits = {}) : limits_(limits) {}

  // An id that is in the set already becomes the youngest.
  void add(std::string id, Clock::time_point now);
  bool contains(std::string_view id, Clock::time_point now) const;
  // Oldest first.
  std::vector<std::string> ids(Clock::time_point now) const;
  std::size_t size() const { return order_.size(); }

 private:
  struct Entry {
    std::string id;
    Clock::time_point added;
  };
  bool expired(const Entry& entry, Clock::time_point now) const {
    return now - entry.added > limits_.expires;
  }
  void drop_oldest();

  RevokedLimits limits_;
  std::list<Entry> order_;  // oldest first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_id_;
};

}  // namespace celeriac::worker
