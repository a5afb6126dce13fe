#include "worker/consumer/eta_queue.h"

#include <algorithm>

namespace celeriac::worker {

void EtaQueue::hold(TaskRequestPtr request) {
  request->stage = TaskRequest::Stage::scheduled;
  const protocol::Timestamp eta = request->message.eta.value();
  waiting_.emplace(eta, std::move(request));
}

std::vector<TaskRequestPtr> EtaQueue::due(protocol::Timestamp now) {
  std::vector<TaskRequestPtr> due;
  const auto end = waiting_.upper_bound(now);
  for (auto place = waiting_.begin(); place != end; ++place)
    due.push_back(std::move(place->second));
  waiting_.erase(waiting_.begin(), end);
  return due;
}

std::optional<protocol::Timestamp> EtaQueue::next() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

std::vector<TaskRequestPtr> EtaQueue::take_all() {
  std::vector<TaskRequestPtr> all;
  for (auto& [eta, request] : waiting_) all.push_back(std::move(request));
  waiting_.clear();
  return all;
}

TaskRequestPtr EtaQueue::take(std::string_view id) {
  const auto place =
      std::ranges::find_if(waiting_, [&](const auto& entry) { return entry.second->id() == id; });
  if (place == waiting_.end()) return nullptr;
  TaskRequestPtr taken = std::move(place->second);
  waiting_.erase(place);
  return taken;
}

}  // namespace celeriac::worker
