// The commands of `celery inspect` (wire page, section 8.3).
#include <celeriac/retry.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "protocol/url/url.h"
#include "worker/remote/control_panel.h"
#include "worker/remote/worker_info.h"

namespace celeriac::worker {

namespace {

Json ok(Json value) {
  return Json::object({{"ok", std::move(value)}});
}

enum class Arguments { values, reprs };

// Celery's Request.info.
Json task_info(const ControlState& state, const TaskSnapshot& task, Arguments arguments) {
  const bool reprs = arguments == Arguments::reprs;
  return Json::object(
      {{"id", task.id},
       {"name", task.name},
       {"args", reprs ? Json(task.argsrepr) : Json(task.args)},
       {"kwargs", reprs ? Json(task.kwargsrepr) : Json(task.kwargs)},
       {"type", task.type},
       {"hostname", state.nodename},
       {"time_start", task.time_start},
       {"acknowledged", task.acknowledged},
       {"delivery_info", Json::object({{"exchange", task.delivery_info.exchange},
                                       {"routing_key", task.delivery_info.routing_key},
                                       {"priority", task.priority},
                                       {"redelivered", task.delivery_info.redelivered}})},
       {"worker_pid", task.worker_pid}});
}

Json task_list(const ControlState& state, const std::vector<TaskSnapshot>& tasks,
               Arguments arguments) {
  Json::Array list;
  for (const TaskSnapshot& task : tasks) list.push_back(task_info(state, task, arguments));
  return Json(std::move(list));
}

Json scheduled(const ControlState& state) {
  Json::Array list;
  for (const TaskSnapshot& task : state.worker.scheduled()) {
    list.push_back(Json::object({{"eta", task.eta ? Json(protocol::to_iso8601(*task.eta)) : Json()},
                                 {"priority", 6},  // kombu's timer gives every entry six
                                 {"request", task_info(state, task, Arguments::values)}}));
  }
  return Json(std::move(list));
}

Json query_task(const ControlState& state, const std::vector<std::string>& ids) {
  JsonObject found;
  auto add = [&](const std::vector<TaskSnapshot>& tasks, const char* where) {
    for (const TaskSnapshot& task : tasks) {
      if (std::find(ids.begin(), ids.end(), task.id) == ids.end()) continue;
      found.set(task.id, Json::array({where, task_info(state, task, Arguments::values)}));
    }
  };
  add(state.worker.scheduled(), "scheduled");
  add(state.worker.reserved(), "reserved");
  add(state.worker.active(), "active");
  return Json(std::move(found));
}

Json registered(const ControlState& state, const ControlArguments& arguments) {
  std::vector<std::string> items = arguments.strings("taskinfoitems");
  if (items.empty()) items = {"exchange", "routing_key", "rate_limit"};
  const bool builtins = arguments["builtins"].truthy();
  Json::Array names;
  for (const WorkerControl::RegisteredTask& task : state.worker.registered()) {
    if (task.builtin && !builtins) continue;
    std::string fields;
    for (const std::string& item : items) {
      const Json* value = task.attributes.find(item);
      if (!value) continue;
      const std::string text = value->is_string() ? *value->as_string() : python_repr(*value);
      fields += (fields.empty() ? "" : " ") + item + "=" + text;
    }
    names.emplace_back(fields.empty() ? task.name : task.name + " [" + fields + "]");
  }
  return Json(std::move(names));
}

// kombu's Queue.as_dict(recurse=True).
Json queue_info(const protocol::Queue& queue) {
  auto table = [](const JsonObject& arguments) {
    return arguments.empty() ? Json() : Json(arguments);
  };
  return Json::object({{"name", queue.name},
                       {"exchange", Json::object({{"name", queue.exchange.name},
                                                  {"type", queue.exchange.type},
                                                  {"arguments", table(queue.exchange.arguments)},
                                                  {"durable", queue.exchange.durable},
                                                  {"passive", false},
                                                  {"auto_delete", queue.exchange.auto_delete},
                                                  {"delivery_mode", nullptr},
                                                  {"no_declare", queue.exchange.no_declare}})},
                       {"routing_key", queue.routing_key},
                       {"queue_arguments", table(queue.arguments)},
                       {"binding_arguments", table(queue.binding_arguments)},
                       {"consumer_arguments", table(queue.consumer_arguments)},
                       {"durable", queue.durable},
                       {"exclusive", queue.exclusive},
                       {"auto_delete", queue.auto_delete},
                       {"no_ack", queue.no_ack},
                       {"alias", nullptr},
                       {"bindings", Json::array()},
                       {"no_declare", nullptr},
                       {"expires", nullptr},
                       {"message_ttl", nullptr},
                       {"max_length", nullptr},
                       {"max_length_bytes", nullptr},
                       {"max_priority", nullptr}});
}

Json active_queues(const ControlState& state) {
  Json::Array queues;
  for (const protocol::Queue& queue : state.worker.active_queues()) {
    queues.push_back(queue_info(queue));
  }
  return Json(std::move(queues));
}

Json pool_info(const PoolSnapshot& pool) {
  JsonObject info{{"implementation", pool.implementation},
                  {"max-concurrency", pool.max_concurrency}};
  if (!pool.processes.empty()) {
    Json::Array pids;
    for (int pid : pool.processes) pids.emplace_back(pid);
    info.set("processes", Json(std::move(pids)));
    info.set("max-tasks-per-child",
             pool.max_tasks_per_child ? Json(*pool.max_tasks_per_child) : Json("N/A"));
    info.set("put-guarded-by-semaphore", false);
    auto limit = [](double seconds) { return seconds > 0 ? Json(seconds) : Json(0); };
    info.set("timeouts", Json::array({limit(pool.soft_time_limit), limit(pool.time_limit)}));
  } else {
    info.set("threads", pool.max_concurrency);
  }
  return Json(std::move(info));
}

Json broker_info(const BrokerStatus& status) {
  const protocol::Url url = protocol::parse_url(status.url);
  const bool tls = url.scheme == "amqps";
  return Json::object({{"hostname", url.host},
                       {"userid", url.user},
                       {"virtual_host", protocol::virtual_host(url)},
                       {"port", url.port != 0 ? url.port : (tls ? 5671 : 5672)},
                       {"insist", false},
                       {"ssl", tls},
                       {"transport", "amqp"},
                       {"connect_timeout", 4},
                       {"transport_options", Json::object()},
                       {"login_method", "PLAIN"},
                       {"uri_prefix", nullptr},
                       {"heartbeat", static_cast<double>(status.heartbeat.count()) / 1000},
                       {"failover_strategy", "round-robin"},
                       {"alternates", Json::array()},
                       {"credential_provider", nullptr}});
}

Json stats(const ControlState& state) {
  JsonObject totals;
  for (const auto& [name, count] : state.worker.totals()) totals.set(name, count);
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now() - state.started);
  JsonObject info{{"total", std::move(totals)},
                  {"pid", getpid()},
                  {"clock", std::to_string(state.clock.value())},
                  {"uptime", uptime.count()},
                  {"pool", pool_info(state.worker.pool())}};
  if (auto autoscaler = state.worker.autoscaler()) {
    info.set("autoscaler", Json::object({{"max", autoscaler->max},
                                         {"min", autoscaler->min},
                                         {"current", autoscaler->current},
                                         {"qty", autoscaler->qty}}));
  }
  info.set("broker", broker_info(state.broker.status()));
  info.set("prefetch_count", state.worker.prefetch_count());
  info.set("rusage", resource_usage());
  return Json(std::move(info));
}

Json report(const ControlState& state) {
  utsname system{};
  uname(&system);
  const JsonObject software = software_info();
  const JsonObject conf = state.conf();
  const Json* results = conf.find("result_backend");
  std::string text = "\nsoftware -> celery:" + software.find("sw_ver")->string_or("") +
                     " (celeriac)" + "\nplatform -> system:" + system.sysname +
                     " arch:" + system.machine + "\n            kernel version:" + system.release +
                     "\nsettings -> transport:amqp results:" +
                     (results ? results->string_or("disabled") : "disabled") + "\n\n";
  for (const auto& [name, value] : conf) text += name + ": " + python_repr(value) + "\n";
  return ok(text);
}

Json hello(ControlState& state, const ControlArguments& arguments) {
  if (arguments.text("from_node") == state.nodename) return {};
  std::vector<std::string> theirs = arguments.strings("revoked");
  // Up to Celery 5.6 a table of ids and the sender's monotonic times, which mean nothing here.
  if (const JsonObject* table = arguments["revoked"].as_object()) {
    for (const auto& [id, stamp] : *table) theirs.push_back(id);
  }
  if (!theirs.empty()) state.worker.merge_revoked(theirs);
  Json::Array ours;
  for (std::string& id : state.worker.revoked()) ours.emplace_back(std::move(id));
  return Json::object({{"revoked", std::move(ours)}, {"clock", state.clock.forward()}});
}

}  // namespace

ControlCommands inspect_commands() {
  using Surplus = ControlCommand::Surplus;
  using S = ControlState;
  using A = ControlArguments;
  ControlCommands commands;
  auto add = [&](std::initializer_list<const char*> names, ControlCommand command) {
    for (const char* name : names) commands.emplace(name, command);
  };
  add({"ping"}, {{}, {}, Surplus::ignored, [](S&, const A&) { return ok("pong"); }});
  add({"clock"}, {{}, {}, Surplus::ignored, [](S& state, const A&) {
                    return Json::object({{"clock", state.clock.value()}});
                  }});
  add({"active", "dump_active"},
      {{}, {"safe"}, Surplus::ignored, [](S& state, const A& arguments) {
         return task_list(state, state.worker.active(),
                          arguments["safe"].truthy() ? Arguments::reprs : Arguments::values);
       }});
  add({"reserved", "dump_reserved"}, {{}, {}, Surplus::ignored, [](S& state, const A&) {
                                        return task_list(state, state.worker.reserved(),
                                                         Arguments::values);
                                      }});
  add({"scheduled", "dump_schedule"},
      {{}, {}, Surplus::ignored, [](S& state, const A&) { return scheduled(state); }});
  add({"query_task"}, {{"ids"}, {}, Surplus::ignored, [](S& state, const A& arguments) {
                         return query_task(state, arguments.strings("ids"));
                       }});
  add({"revoked", "dump_revoked"}, {{}, {}, Surplus::ignored, [](S& state, const A&) {
                                      Json::Array ids;
                                      for (auto& id : state.worker.revoked()) ids.emplace_back(id);
                                      return Json(std::move(ids));
                                    }});
  add({"registered", "dump_tasks"},
      {{}, {"taskinfoitems", "builtins"}, Surplus::ignored, [](S& state, const A& arguments) {
         return registered(state, arguments);
       }});
  add({"active_queues"},
      {{}, {}, Surplus::refused, [](S& state, const A&) { return active_queues(state); }});
  add({"stats"}, {{}, {}, Surplus::ignored, [](S& state, const A&) { return stats(state); }});
  add({"conf", "dump_conf"}, {{}, {"with_defaults"}, Surplus::ignored, [](S& state, const A&) {
                                return Json(state.conf());
                              }});
  add({"report"}, {{}, {}, Surplus::refused, [](S& state, const A&) { return report(state); }});
  add({"hello"}, {{"from_node"}, {"revoked"}, Surplus::ignored, [](S& state, const A& arguments) {
                    return hello(state, arguments);
                  }});
  add({"memsample"}, {{}, {}, Surplus::ignored, [](S& state, const A&) -> Json {
                        const std::string sample = state.memory.take();
                        return sample.empty() ? Json() : Json(sample);
                      }});
  add({"memdump"}, {{}, {"samples"}, Surplus::ignored, [](S& state, const A&) {
                      return Json(state.memory.dump());
                    }});
  add({"objgraph"}, {{}, {}, Surplus::ignored, [](S&, const A&) -> Json {
                       throw TaskError("NotImplementedError",
                                       "a native worker has no Python objects to draw");
                     }});
  return commands;
}

}  // namespace celeriac::worker
