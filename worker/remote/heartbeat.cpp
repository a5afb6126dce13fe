#include "worker/remote/heartbeat.h"

#include "worker/remote/worker_info.h"

namespace celeriac::worker {

Heartbeat::Heartbeat(const RemoteSettings& settings, Loop& loop, EventDispatcher& events,
                     const WorkerControl& worker)
    : settings_(settings),
      events_(events),
      worker_(worker),
      timer_(loop, [this] { events_.send("worker-heartbeat", fields()); }) {}

void Heartbeat::start() {
  if (!settings_.heartbeat) return;
  events_.send("worker-online", fields());
  timer_.start_repeating(std::chrono::duration_cast<Clock::duration>(settings_.heartbeat_interval));
}

void Heartbeat::stop() {
  if (!settings_.heartbeat) return;
  timer_.stop();
  events_.send("worker-offline", fields());
}

JsonObject Heartbeat::fields() const {
  JsonObject fields{{"freq", settings_.heartbeat_interval.count()},
                    {"active", worker_.active_count()},
                    {"processed", worker_.processed()},
                    {"loadavg", load_average()}};
  for (const auto& [name, value] : software_info()) fields.set(name, value);
  return fields;
}

}  // namespace celeriac::worker
