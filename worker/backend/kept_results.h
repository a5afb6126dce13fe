// Results that came in before anybody waited for them.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>

#include "protocol/message/result.h"

namespace celeriac::worker {

// The newest of them, within bounds. Pure.
class KeptResults {
 public:
  struct Bounds {
    std::size_t results = 8192;  // Celery 5.7, backends/asynchronous.py
    std::size_t bytes = std::size_t{64} << 20;
  };
  explicit KeptResults(Bounds bounds) : bounds_(bounds) {}

  // `bytes` is what it takes. A second result of a task takes the place of the first.
  void add(protocol::ResultDocument result, std::size_t bytes);
  // Null: there is none, or it was too old to be kept. Valid until the next `add`.
  const protocol::ResultDocument* find(const std::string& task_id) const;

 private:
  struct Kept {
    protocol::ResultDocument result;
    std::size_t bytes = 0;
  };
  void drop_oldest();

  Bounds bounds_;
  std::unordered_map<std::string, Kept> kept_;
  std::deque<std::string> order_;  // oldest first
  std::size_t bytes_ = 0;
};

}  // namespace celeriac::worker
