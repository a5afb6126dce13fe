// Resident memory as `inspect memsample` and `memdump` tell it (Celery 5.x, utils/debug.py).
#pragma once

#include <deque>
#include <string>

namespace celeriac::worker {

// `94.938MB`: five digits, and no more than the value has.
std::string human_bytes(double bytes);

class MemorySamples {
 public:
  // The memory in use now, which is kept for the next dump; empty where it is not known.
  std::string take();
  // Ten at most of the samples since the last dump, and the memory in use now.
  std::string dump();

 private:
  std::deque<std::string> samples_;
};

}  // namespace celeriac::worker
