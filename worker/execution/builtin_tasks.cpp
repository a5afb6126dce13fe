#include "worker/execution/builtin_tasks.h"

#include <celeriac/context.h>

#include <utility>
#include <vector>

#include "worker/execution/task_context.h"

namespace celeriac::worker {
namespace {

// The arguments of a builtin by name: they have always been called both ways.
struct Bound {
  Json operator[](std::string_view name) const {
    const Json* value = values.find(name);
    return value ? *value : Json();
  }
  Json::Array list(std::string_view name) const {
    const Json value = (*this)[name];
    return value.is_array() ? *value.as_array() : Json::Array{};
  }
  JsonObject values;
};
Bound bind(const std::vector<std::string>& names, Json::Array args, JsonObject kwargs) {
  Bound bound{std::move(kwargs)};
  for (std::size_t i = 0; i < args.size() && i < names.size(); ++i) {
    bound.values.set(names[i], std::move(args[i]));
  }
  return bound;
}

Signature with_partial_args(const Json& json, const Json::Array& partial) {
  Signature signature = Signature::from_json(json);
  if (!signature.immutable()) {
    signature.args().insert(signature.args().begin(), partial.begin(), partial.end());
  }
  return signature;
}

std::vector<Signature> signatures(const Json::Array& list, const Json::Array& partial) {
  std::vector<Signature> tasks;
  for (const Json& json : list) tasks.push_back(with_partial_args(json, partial));
  return tasks;
}

// Task.replace lets a group's results go through it.
Async<Json> accumulate(Context&, Json::Array args, JsonObject kwargs) {
  const Json* index = kwargs.find("index");
  if (!index || index->is_null()) co_return Json(std::move(args));
  std::int64_t at = index->as_int().value_or(-1);
  if (at < 0) at += static_cast<std::int64_t>(args.size());
  if (at < 0 || at >= static_cast<std::int64_t>(args.size())) {
    throw TaskError("IndexError", "tuple index out of range");
  }
  co_return std::move(args[static_cast<std::size_t>(at)]);
}

enum class Call { with_item, with_items };

// All calls of the task in this one, one after the other.
Async<Json> map(Context& context, Call call, Json::Array args, JsonObject kwargs) {
  const Bound bound = bind({"task", "it"}, std::move(args), std::move(kwargs));
  auto& here = dynamic_cast<TaskContext&>(context);
  const Signature task = Signature::from_json(bound["task"]);
  Json::Array results;
  for (Json& item : bound.list("it")) {
    Json::Array call_args;
    if (call == Call::with_items && item.is_array()) {
      call_args = std::move(*item.as_array());
    } else {
      call_args.push_back(std::move(item));
    }
    std::string name = task.task();
    results.push_back(co_await here.call(std::move(name), std::move(call_args)));
  }
  co_return Json(std::move(results));
}
Async<Json> map_items(Context& context, Json::Array args, JsonObject kwargs) {
  return map(context, Call::with_item, std::move(args), std::move(kwargs));
}
Async<Json> starmap(Context& context, Json::Array args, JsonObject kwargs) {
  return map(context, Call::with_items, std::move(args), std::move(kwargs));
}

Async<Json> chunks(Context& context, Json::Array args, JsonObject kwargs) {
  const Bound bound = bind({"task", "it", "n"}, std::move(args), std::move(kwargs));
  const Json json = Json::object({{"task", "celery.chunks"},
                                  {"kwargs", bound.values},
                                  {"subtask_type", "chunks"},
                                  {"immutable", true}});
  const SentTask sent = co_await context.send(Signature::from_json(json));
  co_return to_json(sent);
}

// What Celery 3 sent for a group; later ones publish its members themselves.
Async<Json> group_task(Context& context, Json::Array args, JsonObject kwargs) {
  const Bound bound =
      bind({"tasks", "result", "group_id", "partial_args"}, std::move(args), std::move(kwargs));
  Signature members = group(signatures(bound.list("tasks"), bound.list("partial_args")));
  members.set("task_id", bound["group_id"]);
  co_await context.send(std::move(members));
  co_return bound["result"];
}

Async<Json> chord_task(Context& context, Json::Array args, JsonObject kwargs) {
  const Bound bound = bind({"header", "body", "partial_args"}, std::move(args), std::move(kwargs));
  const Json header = bound["header"];
  const Json::Array* tasks =
      header.is_object() ? header["kwargs"]["tasks"].as_array() : header.as_array();
  Signature whole = chord(signatures(tasks ? *tasks : Json::Array{}, bound.list("partial_args")),
                          Signature::from_json(bound["body"]));
  const SentTask sent = co_await context.send(std::move(whole));
  co_return to_json(sent);
}

Async<Json> chain_task(Context&, Json::Array, JsonObject) {
  throw TaskError("NotImplementedError", "chain is not a real task");
  co_return Json();
}

// Beat asks for it daily. Redis lets results expire by itself, and rpc:// keeps none.
Async<Json> backend_cleanup(Context&, Json::Array, JsonObject) {
  co_return Json();
}

// Polls a chord's header for clients whose backend cannot count; then publishes the body.
Async<Json> chord_unlock(Context& context, Json::Array args, JsonObject kwargs) {
  const Bound bound = bind({"group_id", "callback", "interval", "max_retries", "result"},
                           std::move(args), std::move(kwargs));
  auto& here = dynamic_cast<TaskContext&>(context);
  RetryOptions again;
  if (const auto interval = bound["interval"].as_double()) {
    again.countdown = std::chrono::duration<double>(*interval);
  }
  again.max_retries = bound["max_retries"].as_int().value_or(-1);
  co_await here.unlock_chord(bound["group_id"].string_or(""), bound["callback"],
                             bound.list("result"), std::move(again));
  co_return Json();
}

}  // namespace

void add_builtin_tasks(Registry& registry) {
  const auto add = [&](std::string name, TaskDefinition::Coroutine body, TaskOptions options = {}) {
    if (registry.find(name)) return;
    TaskDefinition definition;
    definition.name = std::move(name);
    definition.options = std::move(options);
    definition.body = std::move(body);
    definition.takes_any_arguments = true;
    definition.returns = "Any";
    definition.builtin = true;
    registry.add(std::move(definition));
  };
  add("celery.accumulate", accumulate);
  add("celery.backend_cleanup", backend_cleanup);
  add("celery.chain", chain_task);
  add("celery.chord", chord_task);
  add("celery.chord_unlock", chord_unlock,
      {.max_retries = std::nullopt,
       .default_retry_delay = std::chrono::seconds(1),
       .ignore_result = true});
  add("celery.chunks", chunks);
  add("celery.group", group_task);
  add("celery.map", map_items);
  add("celery.starmap", starmap);
}

}  // namespace celeriac::worker
