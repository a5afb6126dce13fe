#include "protocol/message/event.h"

#include <algorithm>

namespace celeriac::protocol {

Json make_event(const EventSource& source, std::string_view type, JsonObject fields,
                std::uint64_t clock, Timestamp now) {
  JsonObject event{{"hostname", source.hostname},
                   {"utcoffset", source.utcoffset},
                   {"pid", source.pid},
                   {"clock", clock}};
  for (auto& [name, value] : fields) event.set(name, std::move(value));
  event.set("timestamp", to_unix_seconds(now));
  event.set("type", type);
  return event;
}

std::string event_routing_key(std::string_view type) {
  std::string key(type);
  std::replace(key.begin(), key.end(), '-', '.');
  return key;
}

}  // namespace celeriac::protocol
