#include "worker/consumer/recently_ended.h"

#include <utility>

namespace celeriac::worker {

void RecentlyEnded::add(TaskRequest& request, Verdict verdict) {
  Entry& entry = entries_[next_];
  next_ = (next_ + 1) % entries_.size();
  entry.retries = request.message.retries;
  entry.connection = request.connection();
  entry.verdict = verdict;
  entry.id.swap(request.message.id);
}

std::optional<Verdict> RecentlyEnded::find(const protocol::TaskMessage& message,
                                           std::uint64_t connection) const {
  for (const Entry& entry : entries_) {
    if (entry.connection != 0 && entry.connection < connection &&
        entry.retries == message.retries && entry.id == message.id) {
      return entry.verdict;
    }
  }
  return std::nullopt;
}

}  // namespace celeriac::worker
