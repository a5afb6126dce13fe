// The messages that were settled last, in case their settling got lost with a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/broker/broker.h"
#include "worker/execution/request.h"

namespace celeriac::worker {

// Pure. What the broker delivers again on a new connection although it has ended here must not
// run a second time.
class RecentlyEnded {
 public:
  explicit RecentlyEnded(std::size_t capacity) : entries_(capacity) {}

  // Takes the message's id out of it: the request is at its end.
  void add(TaskRequest& request, Verdict verdict);

  // What became of this message on a connection before `connection`.
  std::optional<Verdict> find(const protocol::TaskMessage& message, std::uint64_t connection) const;

 private:
  struct Entry {
    std::string id;
    std::int64_t retries = 0;
    std::uint64_t connection = 0;
    Verdict verdict = Verdict::ack;
  };
  std::vector<Entry> entries_;  // a ring
  std::size_t next_ = 0;
};

}  // namespace celeriac::worker
