// Tasks revoked by what they are stamped with (Celery 5.x, worker/state.py revoked_stamps).
#pragma once

#include <celeriac/json.h>

#include <map>
#include <string>
#include <vector>

#include "protocol/message/task_message.h"

namespace celeriac::worker {

// The values that the message's stamp of this name has and that are among these. A stamp is
// one value or a list of them.
std::vector<Json> common_stamps(const protocol::TaskMessage& message, const std::string& name,
                                const std::vector<Json>& values);

// Pure. Not persistent, and not shared with other workers, as in Celery.
class RevokedStamps {
 public:
  void add(const std::string& name, const std::vector<Json>& values);
  bool matches(const protocol::TaskMessage& message) const;

 private:
  std::map<std::string, std::vector<Json>> stamps_;
};

}  // namespace celeriac::worker
