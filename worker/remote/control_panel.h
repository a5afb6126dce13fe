// The commands of `celery inspect` and `celery control`, by name.
#pragma once

#include <celeriac/json.h>

#include <chrono>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message/control.h"
#include "worker/broker/broker.h"
#include "worker/loop/task_group.h"
#include "worker/remote/event_dispatcher.h"
#include "worker/remote/lamport_clock.h"
#include "worker/remote/memory_samples.h"
#include "worker/remote/worker_control.h"

namespace celeriac::worker {

// What commands work on. Everything is borrowed and must outlive the panel.
struct ControlState {
  std::string nodename;
  WorkerControl& worker;
  Broker& broker;
  EventDispatcher& events;
  LamportClock& clock;
  TaskGroup& group;
  // The settings by Celery's names, secrets masked (`inspect conf`, `report`).
  std::function<JsonObject()> conf;
  // Takes part in an election that another node has called.
  std::function<void(const Json& id, const Json& topic, const Json& action)> election;
  std::chrono::steady_clock::time_point started;
  MemorySamples memory{};
};

// Arguments of one call, by name.
class ControlArguments {
 public:
  explicit ControlArguments(const JsonObject& values) : values_(values) {}
  // Null if it was not given.
  const Json& operator[](std::string_view name) const;
  // The value as text, Python's str() of it for numbers; empty for null.
  std::string text(std::string_view name) const;
  std::optional<int> integer(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;
  // A string is a list of one, null an empty list.
  std::vector<std::string> strings(std::string_view name) const;
  const JsonObject& all() const { return values_; }

 private:
  const JsonObject& values_;
};

// One command: what it takes, and what it answers. Throws TaskError for what Python's
// handler would raise.
struct ControlCommand {
  using Handler = std::function<Json(ControlState&, const ControlArguments&)>;
  enum class Surplus { ignored, refused };  // arguments that it does not name

  std::vector<std::string> required;
  std::vector<std::string> optional;
  Surplus surplus = Surplus::ignored;
  Handler handler;
};

using ControlCommands = std::map<std::string, ControlCommand, std::less<>>;

ControlCommands inspect_commands();
ControlCommands control_commands();

// Runs requests. Loop thread only.
class ControlPanel {
 public:
  explicit ControlPanel(ControlState state);

  // The value of the reply, `{"error": repr}` for what went wrong.
  Json run(const protocol::ControlRequest& request);

 private:
  ControlState state_;
  ControlCommands commands_;
};

}  // namespace celeriac::worker
