#include "worker/backend/kept_results.h"

#include <utility>

namespace celeriac::worker {

void KeptResults::add(protocol::ResultDocument result, std::size_t bytes) {
  std::string id = result.task_id;
  if (const auto known = kept_.find(id); known != kept_.end()) {
    bytes_ += bytes - known->second.bytes;
    known->second = {std::move(result), bytes};
  } else {
    bytes_ += bytes;
    order_.push_back(id);
    kept_.emplace(std::move(id), Kept{std::move(result), bytes});
  }
  while (order_.size() > bounds_.results || bytes_ > bounds_.bytes) drop_oldest();
}

const protocol::ResultDocument* KeptResults::find(const std::string& task_id) const {
  const auto known = kept_.find(task_id);
  return known == kept_.end() ? nullptr : &known->second.result;
}

void KeptResults::drop_oldest() {
  const auto oldest = kept_.find(order_.front());
  bytes_ -= oldest->second.bytes;
  kept_.erase(oldest);
  order_.pop_front();
}

}  // namespace celeriac::worker
