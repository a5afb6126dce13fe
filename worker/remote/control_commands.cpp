// The commands of `celery control` (wire page, section 8.2).
#include <celeriac/error.h>
#include <celeriac/retry.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "protocol/json/python_value.h"
#include "protocol/message/result.h"
#include "worker/log/log.h"
#include "worker/remote/control_panel.h"
#include "worker/remote/worker_info.h"

namespace celeriac::worker {

namespace {

constexpr const char* kLogger = "celery.worker.control";

Json ok(Json value) {
  return Json::object({{"ok", std::move(value)}});
}
Json refused(std::string text) {
  return Json::object({{"error", std::move(text)}});
}
void info(const std::string& text) {
  log::write(log::Level::info, kLogger, text);
}

// The text of a Python set of strings.
std::string python_set(const std::vector<std::string>& items) {
  if (items.empty()) return "set()";
  std::string text;
  for (const std::string& item : items) {
    text += (text.empty() ? "{" : ", ") + python_repr(Json(item));
  }
  return text + "}";
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

// "TERM", "SIGTERM" or 15. The default is TERM.
int signal_number(const Json& signal) {
  static constexpr std::array<std::pair<std::string_view, int>, 11> kNames{{{"TERM", SIGTERM},
                                                                            {"KILL", SIGKILL},
                                                                            {"INT", SIGINT},
                                                                            {"QUIT", SIGQUIT},
                                                                            {"HUP", SIGHUP},
                                                                            {"USR1", SIGUSR1},
                                                                            {"USR2", SIGUSR2},
                                                                            {"ABRT", SIGABRT},
                                                                            {"STOP", SIGSTOP},
                                                                            {"CONT", SIGCONT},
                                                                            {"ALRM", SIGALRM}}};
  if (signal.is_null()) return SIGTERM;
  if (auto number = signal.as_int()) return static_cast<int>(*number);
  std::string name = signal.string_or("");
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (const auto& [known, number] : kNames) {
    if (known == name) return number;
  }
  throw TaskError("AttributeError", "module 'signal' has no attribute 'SIG" + name + "'");
}

Json terminate(ControlState& state, const std::vector<std::string>& ids, const Json& signal) {
  const int number = signal_number(signal);
  state.worker.revoke(ids);
  const std::vector<std::string> known = state.worker.terminate(ids, number);
  if (known.empty()) return ok("terminate: tasks unknown");
  return ok("terminate: " + joined(known));
}

// Fails as Python's ", ".join() does for what is no text.
void require_text_ids(const Json& ids) {
  const Json::Array one{ids};
  const Json::Array& all = ids.is_array() ? *ids.as_array() : one;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].is_string() || ids.is_null()) continue;
    throw TaskError("TypeError", "sequence item " + std::to_string(i) +
                                     ": expected str instance, " +
                                     std::string(protocol::python_type(all[i])) + " found");
  }
}

Json revoke(ControlState& state, const ControlArguments& arguments) {
  require_text_ids(arguments["task_id"]);
  std::vector<std::string> ids = arguments.strings("task_id");
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (arguments["terminate"].truthy()) return terminate(state, ids, arguments["signal"]);
  state.worker.revoke(ids);
  info("Tasks flagged as revoked: " + joined(ids));
  return ok("tasks " + python_set(ids) + " flagged as revoked");
}

// `["k=v"]`, as the command line sends it, is a table too.
JsonObject stamped_headers(const Json& headers) {
  if (const JsonObject* table = headers.as_object()) return *table;
  JsonObject table;
  if (const Json::Array* list = headers.as_array()) {
    for (const Json& item : *list) {
      const std::string text = item.string_or("");
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos) throw TaskError("IndexError", "list index out of range");
      table.set(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return table;
}

Json revoke_by_stamped_headers(ControlState& state, const ControlArguments& arguments) {
  const JsonObject headers = stamped_headers(arguments["headers"]);
  const int number = signal_number(arguments["signal"]);
  std::map<std::string, std::vector<Json>> stamps;
  for (const auto& [name, value] : headers) {
    const Json::Array* list = value.as_array();
    stamps[name] = list ? *list : Json::Array{value};
  }
  const std::string shown = python_repr(Json(headers));
  if (!arguments["terminate"].truthy()) {
    state.worker.revoke_by_stamped_headers(stamps, std::nullopt);
    return ok("headers " + shown + " flagged as revoked, but not terminated");
  }
  const auto matched = state.worker.revoke_by_stamped_headers(stamps, number);
  if (matched.empty()) return ok("headers " + shown + " were not terminated");
  std::string sets;
  for (const auto& [name, values] : matched) {
    std::string set;
    for (const Json& value : values) set += (set.empty() ? "" : ", ") + python_repr(value);
    sets += (sets.empty() ? "" : ", ") + python_repr(Json(name)) + ": {" + set + "}";
  }
  return ok("headers defaultdict(<class 'set'>, {" + sets + "}) revoked");
}

// Throws as Celery's rate() does for what is no rate.
void check_rate(const std::string& limit) {
  const std::size_t slash = limit.find('/');
  const std::string number = limit.substr(0, slash);
  char* end = nullptr;
  std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0') {
    throw TaskError("ValueError", "could not convert string to float: '" + number + "'");
  }
  // Celery takes a negative limit, and then nothing runs any more.
  if (number.starts_with('-')) {
    throw TaskError("ValueError", "a rate limit cannot be negative: '" + number + "'");
  }
  if (slash == std::string::npos) return;
  const std::string unit = limit.substr(slash + 1);
  if (!unit.empty() && unit != "s" && unit != "m" && unit != "h") {
    throw TaskError("KeyError", unit);
  }
}

Json rate_limit(ControlState& state, const ControlArguments& arguments) {
  const std::string task = arguments.text("task_name");
  const Json& wanted = arguments["rate_limit"];
  if (wanted.truthy() && !wanted.is_string() && !wanted.as_double()) {
    throw TaskError("TypeError", "float() argument must be a string or a real number, not '" +
                                     std::string(protocol::python_type(wanted)) + "'");
  }
  const std::string limit =
      arguments["rate_limit"].truthy() ? arguments.text("rate_limit") : std::string();
  try {
    if (!limit.empty()) check_rate(limit);
  } catch (const TaskError& error) {
    if (error.type() != "ValueError") throw;
    protocol::ExceptionInfo exception;
    exception.type = error.type();
    exception.args = error.args();
    return refused("Invalid rate limit string: " + exception.repr());
  }
  if (state.worker.set_rate_limit(task, limit) == WorkerControl::Known::no) {
    log::write(log::Level::error, kLogger, "Rate limit attempt for unknown task " + task);
    return refused("unknown task");
  }
  if (limit.empty()) {
    info("Rate limits disabled for tasks of type " + task);
    return ok("rate limit disabled successfully");
  }
  info("New rate limit for tasks of type " + task + ": " + limit + ".");
  return ok("new rate limit set successfully");
}

Json time_limit(ControlState& state, const ControlArguments& arguments) {
  const std::string task = arguments.text("task_name");
  const auto hard = arguments.number("hard");
  const auto soft = arguments.number("soft");
  if (state.worker.set_time_limits(task, hard, soft) == WorkerControl::Known::no) {
    log::write(log::Level::error, kLogger, "Change time limit attempt for unknown task " + task);
    return refused("unknown task");
  }
  info("New time limits for tasks of type " + task + ": soft=" + python_repr(Json(soft)) +
       " hard=" + python_repr(Json(hard)));
  return ok("time limits set successfully");
}

Json enable_events(ControlState& state) {
  if (!state.events.enable_task_events()) return ok("task events already enabled");
  info("Events of group {task} enabled by remote.");
  return ok("task events enabled");
}

Json disable_events(ControlState& state) {
  if (!state.events.disable_task_events()) return ok("task events already disabled");
  info("Events of group {task} disabled by remote.");
  return ok("task events disabled");
}

Json heartbeat(ControlState& state) {
  log::write(log::Level::debug, kLogger, "Heartbeat requested by remote.");
  JsonObject fields{{"freq", 5}};
  for (const auto& [name, value] : software_info()) fields.set(name, value);
  state.events.send("worker-heartbeat", std::move(fields));
  return {};
}

// The queue that add_consumer means: one that is configured, else one as described.
protocol::Queue described_queue(ControlState& state, const ControlArguments& arguments) {
  const std::string name = arguments.text("queue");
  protocol::Queue queue = state.worker.queue_named(name);
  if (arguments["exchange"].truthy()) queue.exchange.name = arguments.text("exchange");
  if (arguments["exchange_type"].truthy()) queue.exchange.type = arguments.text("exchange_type");
  if (arguments["routing_key"].truthy()) queue.routing_key = arguments.text("routing_key");
  return queue;
}

Async<void> start_consuming(WorkerControl* worker, protocol::Queue queue) {
  const std::string name = queue.name;
  try {
    co_await worker->add_consumer(std::move(queue));
    log::write(log::Level::info, "celery.worker.consumer.consumer",
               "Started consuming from " + name);
  } catch (const Error& error) {
    log::write(log::Level::error, "celery.worker.consumer.consumer",
               "Cannot consume from " + name + ": " + error.what());
  }
}

Async<void> stop_consuming(WorkerControl* worker, std::string name) {
  log::write(log::Level::info, "celery.worker.consumer.consumer", "Canceling queue " + name);
  try {
    co_await worker->cancel_consumer(name);
  } catch (const Error& error) {
    log::write(log::Level::error, "celery.worker.consumer.consumer",
               "Cannot cancel queue " + name + ": " + error.what());
  }
}

Json add_consumer(ControlState& state, const ControlArguments& arguments) {
  state.group.spawn(start_consuming(&state.worker, described_queue(state, arguments)));
  return ok("add consumer " + arguments.text("queue"));
}

Json cancel_consumer(ControlState& state, const ControlArguments& arguments) {
  const std::string name = arguments.text("queue");
  state.group.spawn(stop_consuming(&state.worker, name));
  return ok("no longer consuming from " + name);
}

// Empty unless autoscaling forbids it.
Json refused_while_autoscaling(ControlState& state, const std::string& command) {
  if (!state.worker.autoscaler()) return {};
  return refused(command + " is not supported with autoscale. Adjust autoscale range instead.");
}

Json pool_grow(ControlState& state, const ControlArguments& arguments) {
  if (Json error = refused_while_autoscaling(state, "pool_grow"); !error.is_null()) return error;
  const CommandResult result = state.worker.pool_grow(arguments.integer("n").value_or(1));
  return result.error.empty() ? ok("pool will grow") : refused(result.error);
}

Json pool_shrink(ControlState& state, const ControlArguments& arguments) {
  if (Json error = refused_while_autoscaling(state, "pool_shrink"); !error.is_null()) return error;
  const CommandResult result = state.worker.pool_shrink(arguments.integer("n").value_or(1));
  return result.error.empty() ? ok("pool will shrink") : refused(result.error);
}

Json autoscale(ControlState& state, const ControlArguments& arguments) {
  const CommandResult result =
      state.worker.autoscale(arguments.integer("max"), arguments.integer("min"));
  if (!result.error.empty()) return refused(result.error);
  const AutoscaleSnapshot now = state.worker.autoscaler().value_or(AutoscaleSnapshot{});
  return ok("autoscale now max=" + std::to_string(now.max) + " min=" + std::to_string(now.min));
}

Json shutdown(ControlState& state, const ControlArguments& arguments) {
  const std::string text =
      arguments["msg"].truthy() ? arguments.text("msg") : std::string("Got shutdown from remote");
  log::write(log::Level::warning, kLogger, text);
  state.worker.shutdown(text);
  return {};
}

}  // namespace

ControlCommands control_commands() {
  using Surplus = ControlCommand::Surplus;
  using S = ControlState;
  using A = ControlArguments;
  ControlCommands commands;
  commands["revoke"] = {{"task_id"}, {"terminate", "signal"}, Surplus::ignored, revoke};
  commands["terminate"] = {
      {"signal", "task_id"}, {}, Surplus::ignored, [](S& state, const A& args) {
        return terminate(state, args.strings("task_id"), args["signal"]);
      }};
  commands["revoke_by_stamped_headers"] = {
      {"headers"}, {"terminate", "signal"}, Surplus::ignored, revoke_by_stamped_headers};
  commands["rate_limit"] = {{"task_name", "rate_limit"}, {}, Surplus::ignored, rate_limit};
  commands["time_limit"] = {{}, {"task_name", "hard", "soft"}, Surplus::ignored, time_limit};
  commands["enable_events"] = {
      {}, {}, Surplus::refused, [](S& state, const A&) { return enable_events(state); }};
  commands["disable_events"] = {
      {}, {}, Surplus::refused, [](S& state, const A&) { return disable_events(state); }};
  commands["heartbeat"] = {
      {}, {}, Surplus::refused, [](S& state, const A&) { return heartbeat(state); }};
  commands["add_consumer"] = {
      {"queue"}, {"exchange", "exchange_type", "routing_key"}, Surplus::ignored, add_consumer};
  commands["cancel_consumer"] = {{"queue"}, {}, Surplus::ignored, cancel_consumer};
  commands["pool_grow"] = {{}, {"n"}, Surplus::ignored, pool_grow};
  commands["pool_shrink"] = {{}, {"n"}, Surplus::ignored, pool_shrink};
  commands["pool_restart"] = {
      {}, {"modules", "reload", "reloader"}, Surplus::ignored, [](S&, const A&) -> Json {
        throw TaskError("ValueError", "Pool restarts not enabled");
      }};
  commands["autoscale"] = {{}, {"max", "min"}, Surplus::refused, autoscale};
  commands["shutdown"] = {{}, {"msg"}, Surplus::ignored, shutdown};
  commands["election"] = {
      {"id", "topic"}, {"action"}, Surplus::ignored, [](S& state, const A& args) {
        state.election(args["id"], args["topic"], args["action"]);
        return Json();
      }};
  return commands;
}

}  // namespace celeriac::worker
