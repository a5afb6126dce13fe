// Events that monitors read (wire page, section 7).
#pragma once

#include <celeriac/json.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message/timestamp.h"

namespace celeriac::protocol {

// What every event of one worker carries.
struct EventSource {
  std::string hostname;  // node name
  int pid = 0;
  double utcoffset = 0;  // hours west of UTC
};

// One event: `type` with Celery's name (task-received …) and its own fields.
Json make_event(const EventSource& source, std::string_view type, JsonObject fields,
                std::uint64_t clock, Timestamp now);

// `task-received` → `task.received`; several task events together go to `task.multi`.
std::string event_routing_key(std::string_view type);

}  // namespace celeriac::protocol
