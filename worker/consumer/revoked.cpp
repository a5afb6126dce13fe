#include "worker/consumer/revoked.h"

namespace celeriac::worker {

void Revoked::add(std::string id, Clock::time_point now) {
  if (const auto known = by_id_.find(id); known != by_id_.end()) {
    known->second->added = now;
    order_.splice(order_.end(), order_, known->second);
  } else {
    order_.push_back({std::move(id), now});
    by_id_.emplace(order_.back().id, std::prev(order_.end()));
  }
  while (!order_.empty() && (order_.size() > limits_.max_ids || expired(order_.front(), now))) {
    drop_oldest();
  }
}

bool Revoked::contains(std::string_view id, Clock::time_point now) const {
  if (by_id_.empty()) return false;
  const auto place = by_id_.find(id);
  return place != by_id_.end() && !expired(*place->second, now);
}

std::vector<std::string> Revoked::ids(Clock::time_point now) const {
  std::vector<std::string> ids;
  for (const Entry& entry : order_) {
    if (!expired(entry, now)) ids.push_back(entry.id);
  }
  return ids;
}

void Revoked::drop_oldest() {
  by_id_.erase(order_.front().id);
  order_.pop_front();
}

}  // namespace celeriac::worker
