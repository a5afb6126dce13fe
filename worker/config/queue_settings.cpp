#include "worker/config/queue_settings.h"

#include <array>
#include <string>
#include <string_view>

namespace celeriac::worker {
namespace {

JsonObject object_of(const ConfigValueView& value) {
  if (!value.present()) return {};
  if (!value.is_map()) {
    value.mistake(value.name() + " is " + value.shown() + "; it must be a map");
    return {};
  }
  const Json json = value.json();
  return *json.as_object();
}

// A queue option that stands for an argument of queue.declare (kombu/entity.py, Queue).
struct ArgumentOption {
  std::string_view option;
  std::string_view argument;
  int scale;  // seconds become milliseconds
};
constexpr std::array<ArgumentOption, 5> kArgumentOptions{
    {{"expires", "x-expires", 1000},
     {"message_ttl", "x-message-ttl", 1000},
     {"max_length", "x-max-length", 1},
     {"max_length_bytes", "x-max-length-bytes", 1},
     {"max_priority", "x-max-priority", 1}}};

void read_argument_options(ConfigMapView& map, JsonObject& arguments) {
  for (const ArgumentOption& option : kArgumentOptions) {
    const ConfigValueView value = map.get(option.option);
    if (option.scale == 1000) {
      if (const auto duration = value.duration()) {
        arguments.set(option.argument, Json(duration->count()));
      }
    } else if (option.option == "max_priority") {
      if (const auto number = value.integer(1, 255)) arguments.set(option.argument, Json(*number));
    } else if (const auto number = value.integer(0)) {
      arguments.set(option.argument, Json(*number));
    }
  }
}

void read_exchange(ConfigMapView& map, protocol::Exchange& exchange) {
  const ConfigValueView value = map.get("exchange");
  if (value.is_map()) {
    ConfigMapView inner = value.map(value.name());
    exchange.name = inner.require("name").text().value_or("");
    exchange.type = inner.get("type").text().value_or(exchange.type);
    exchange.durable = inner.get("durable").flag().value_or(exchange.durable);
    exchange.auto_delete = inner.get("auto_delete").flag().value_or(exchange.auto_delete);
    exchange.no_declare = inner.get("no_declare").flag().value_or(exchange.no_declare);
    exchange.arguments = object_of(inner.get("arguments"));
    inner.finish();
  } else if (auto name = value.text()) {
    exchange.name = std::move(*name);
  }
  exchange.type = map.get("exchange_type").text().value_or(exchange.type);
  exchange.durable = map.get("exchange_durable").flag().value_or(exchange.durable);
  exchange.auto_delete = map.get("exchange_auto_delete").flag().value_or(exchange.auto_delete);
  if (map.get("exchange_arguments").present()) {
    exchange.arguments = object_of(map.get("exchange_arguments"));
  }
}

// kombu knows some options under two names; the plain one is stronger.
bool read_flag(ConfigMapView& map, std::string_view name, std::string_view other, bool fallback) {
  const auto second = map.get(other).flag();
  return map.get(name).flag().value_or(second.value_or(fallback));
}

protocol::Binding read_binding(const ConfigValueView& value) {
  ConfigMapView map = value.map(value.name());
  protocol::Binding binding;
  binding.exchange = map.require("exchange").text().value_or("");
  binding.routing_key = map.get("routing_key").text().value_or("");
  binding.arguments = object_of(map.get("arguments"));
  map.finish();
  return binding;
}

protocol::Queue read_queue(std::string name, const ConfigValueView& value, ConfigMapView map) {
  protocol::Queue queue;
  queue.name = std::move(name);
  if (queue.name.empty() || queue.name.size() > 255) {
    value.mistake("the name of a queue must be 1 to 255 bytes long");
  }
  read_exchange(map, queue.exchange);
  const auto binding_key = map.get("binding_key").text();
  queue.routing_key = map.get("routing_key").text().value_or(binding_key.value_or(""));
  queue.exclusive = map.get("exclusive").flag().value_or(false);
  queue.durable = read_flag(map, "durable", "queue_durable", true);
  queue.auto_delete = read_flag(map, "auto_delete", "queue_auto_delete", queue.exclusive);
  queue.no_ack = map.get("no_ack").flag().value_or(false);
  queue.no_declare = map.get("no_declare").flag().value_or(false);
  queue.arguments = object_of(map.get("queue_arguments"));
  read_argument_options(map, queue.arguments);
  queue.binding_arguments = object_of(map.get("binding_arguments"));
  queue.consumer_arguments = object_of(map.get("consumer_arguments"));
  for (const ConfigValueView& binding : map.get("bindings").items_or_one()) {
    queue.bindings.push_back(read_binding(binding));
  }
  map.finish();
  return queue;
}

constexpr std::array<std::string_view, 4> kRouteOptions{"queue", "exchange", "routing_key",
                                                        "priority"};

TaskRoute read_route(const ConfigEntryView& entry) {
  TaskRoute route{entry.key, {}};
  if (!entry.value.is_map()) {
    if (const auto queue = entry.value.text()) route.options.set("queue", *queue);
    if (!entry.value.present()) {
      entry.value.mistake("the route of '" + entry.key + "' is empty; name a queue");
    }
    return route;
  }
  ConfigMapView map = entry.value.map("the route of '" + entry.key + "'");
  for (const std::string_view option : kRouteOptions) {
    const ConfigValueView value = map.get(option);
    if (!value.present()) continue;
    if (option == "priority") value.integer(0, 255);
    route.options.set(option, value.json());
  }
  map.finish();
  return route;
}

constexpr std::array<std::string_view, 13> kAttributes{"rate_limit",
                                                       "time_limit",
                                                       "soft_time_limit",
                                                       "max_retries",
                                                       "default_retry_delay",
                                                       "acks_late",
                                                       "acks_on_failure_or_timeout",
                                                       "acks_on_failure",
                                                       "acks_on_timeout",
                                                       "reject_on_worker_lost",
                                                       "track_started",
                                                       "ignore_result",
                                                       "store_errors_even_if_ignored"};

TaskSettings::Annotation read_annotation(const ConfigEntryView& entry) {
  TaskSettings::Annotation annotation{entry.key, {}};
  ConfigMapView map = entry.value.map("the annotation of '" + entry.key + "'");
  for (const std::string_view attribute : kAttributes) {
    const ConfigValueView value = map.get(attribute);
    if (value.written()) annotation.attributes.set(attribute, value.json());
  }
  map.finish();
  return annotation;
}

}  // namespace

std::vector<protocol::Queue> read_task_queues(const ConfigValueView& value) {
  std::vector<protocol::Queue> queues;
  if (value.is_map()) {
    for (const ConfigEntryView& entry : value.entries()) {
      queues.push_back(
          read_queue(entry.key, entry.value, entry.value.map("queue '" + entry.key + "'")));
    }
  } else {
    for (const ConfigValueView& item : value.items_or_one()) {
      if (!item.is_map()) {
        if (auto name = item.text()) queues.emplace_back().name = std::move(*name);
        continue;
      }
      ConfigMapView map = item.map(item.name());
      std::string name = map.require("name").text().value_or("celery");
      queues.push_back(read_queue(std::move(name), item, std::move(map)));
    }
  }
  for (std::size_t i = 0; i < queues.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (queues[i].name == queues[j].name) {
        value.mistake("queue '" + queues[i].name + "' is listed twice");
      }
    }
  }
  return queues;
}

Json shown_task_queues(const std::vector<protocol::Queue>& queues) {
  Json::Array array;
  for (const protocol::Queue& queue : queues) {
    JsonObject object{{"name", queue.name}};
    if (!queue.exchange.name.empty()) object.set("exchange", queue.exchange.name);
    if (queue.exchange.type != "direct") object.set("exchange_type", queue.exchange.type);
    if (!queue.routing_key.empty()) object.set("routing_key", queue.routing_key);
    if (!queue.durable) object.set("durable", false);
    if (queue.exclusive) object.set("exclusive", true);
    if (queue.auto_delete) object.set("auto_delete", true);
    if (!queue.arguments.empty()) object.set("queue_arguments", queue.arguments);
    if (!queue.binding_arguments.empty()) object.set("binding_arguments", queue.binding_arguments);
    if (!queue.consumer_arguments.empty()) {
      object.set("consumer_arguments", queue.consumer_arguments);
    }
    array.push_back(std::move(object));
  }
  return queues.empty() ? Json() : Json(std::move(array));
}

std::vector<std::vector<TaskRoute>> read_task_routes(const ConfigValueView& value) {
  std::vector<std::vector<TaskRoute>> routes;
  for (const ConfigValueView& table : value.items_or_one()) {
    std::vector<TaskRoute> read;
    for (const ConfigEntryView& entry : table.entries()) read.push_back(read_route(entry));
    routes.push_back(std::move(read));
  }
  return routes;
}

Json shown_task_routes(const std::vector<std::vector<TaskRoute>>& routes) {
  Json::Array array;
  for (const auto& table : routes) {
    JsonObject object;
    for (const TaskRoute& route : table) object.set(route.pattern, route.options);
    array.push_back(std::move(object));
  }
  return routes.empty() ? Json() : Json(std::move(array));
}

std::vector<TaskSettings::Annotation> read_task_annotations(const ConfigValueView& value) {
  std::vector<TaskSettings::Annotation> annotations;
  for (const ConfigValueView& table : value.items_or_one()) {
    for (const ConfigEntryView& entry : table.entries()) {
      annotations.push_back(read_annotation(entry));
    }
  }
  return annotations;
}

Json shown_task_annotations(const std::vector<TaskSettings::Annotation>& annotations) {
  Json::Array array;
  for (const TaskSettings::Annotation& annotation : annotations) {
    array.push_back(Json::object({{annotation.task, annotation.attributes}}));
  }
  return annotations.empty() ? Json() : Json(std::move(array));
}

}  // namespace celeriac::worker
