// Tasks that wait for their eta, the earliest first.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "worker/execution/request.h"

namespace celeriac::worker {

// Pure: time comes in. Loop thread only. Tasks of equal eta keep their order.
class EtaQueue {
 public:
  void hold(TaskRequestPtr request);

  // Those whose eta is not after `now`.
  std::vector<TaskRequestPtr> due(protocol::Timestamp now);
  std::optional<protocol::Timestamp> next() const;

  std::vector<TaskRequestPtr> take_all();
  // The one with this id, or null.
  TaskRequestPtr take(std::string_view id);

  std::size_t size() const { return waiting_.size(); }
  auto begin() const { return waiting_.begin(); }
  auto end() const { return waiting_.end(); }

 private:
  std::multimap<protocol::Timestamp, TaskRequestPtr> waiting_;
};

}  // namespace celeriac::worker
