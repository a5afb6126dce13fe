#include "worker/consumer/revoked_stamps.h"

#include <algorithm>

namespace celeriac::worker {

std::vector<Json> common_stamps(const protocol::TaskMessage& message, const std::string& name,
                                const std::vector<Json>& values) {
  // A message may name a stamp that it does not carry; Celery's worker dies of that.
  const Json* stamp = message.stamps.find(name);
  if (!stamp) return {};
  std::vector<Json> common;
  auto add_if_listed = [&](const Json& value) {
    if (std::ranges::find(values, value) != values.end()) common.push_back(value);
  };
  if (const Json::Array* list = stamp->as_array()) {
    std::ranges::for_each(*list, add_if_listed);
  } else {
    add_if_listed(*stamp);
  }
  return common;
}

void RevokedStamps::add(const std::string& name, const std::vector<Json>& values) {
  std::vector<Json>& known = stamps_[name];
  for (const Json& value : values) {
    if (std::ranges::find(known, value) == known.end()) known.push_back(value);
  }
}

bool RevokedStamps::matches(const protocol::TaskMessage& message) const {
  if (message.stamps.empty()) return false;
  return std::ranges::any_of(stamps_, [&](const auto& entry) {
    return !common_stamps(message, entry.first, entry.second).empty();
  });
}

}  // namespace celeriac::worker
