#include "worker/cli/stubs/json_schema.h"

#include <string>
#include <utility>

namespace celeriac::worker {
namespace {

// Whoever defined a task by hand need not have given one.
Json anything_unless(const Json& schema) {
  return schema.is_object() ? schema : Json::object();
}

Json schema_of(const Parameter& parameter) {
  Json schema = anything_unless(parameter.schema);
  if (parameter.fallback) schema.as_object()->set("default", *parameter.fallback);
  return schema;
}

Json by_name(const TaskDefinition& task) {
  JsonObject properties;
  Json::Array required;
  for (const Parameter& parameter : task.parameters) {
    properties.set(parameter.name, schema_of(parameter));
    if (!parameter.fallback) required.emplace_back(parameter.name);
  }
  return Json::object({{"type", "object"},
                       {"properties", std::move(properties)},
                       {"required", std::move(required)},
                       {"additionalProperties", task.takes_any_arguments}});
}

Json by_position(const TaskDefinition& task) {
  Json::Array items;
  std::size_t required = 0;
  for (const Parameter& parameter : task.parameters) {
    items.push_back(schema_of(parameter));
    if (!parameter.fallback) ++required;
  }
  JsonObject schema{{"type", "array"}};
  if (!items.empty()) schema.set("prefixItems", std::move(items));
  schema.set("items", task.takes_any_arguments);
  schema.set("minItems", required);
  return Json(std::move(schema));
}

Json definition(const TaskDefinition& task) {
  JsonObject schema{{"type", "object"}};
  if (!task.options.description.empty()) schema.set("description", task.options.description);
  schema.set("properties", Json::object({{"arguments", by_name(task)},
                                         {"positional", by_position(task)},
                                         {"result", anything_unless(task.returns_schema)}}));
  return Json(std::move(schema));
}

void write_indented(const Json& value, const std::string& indent, std::string& text) {
  const std::string deeper = indent + "  ";
  const char* separator = "\n";
  if (const JsonObject* members = value.as_object(); members && !members->empty()) {
    text += "{";
    for (const auto& [name, member] : *members) {
      text += std::exchange(separator, ",\n") + deeper + dump_json(Json(name)) + ": ";
      write_indented(member, deeper, text);
    }
    text += "\n" + indent + "}";
  } else if (const Json::Array* items = value.as_array(); items && !items->empty()) {
    text += "[";
    for (const Json& item : *items) {
      text += std::exchange(separator, ",\n") + deeper;
      write_indented(item, deeper, text);
    }
    text += "\n" + indent + "]";
  } else {
    text += dump_json(value);
  }
}

}  // namespace

Json json_schema(const std::vector<const TaskDefinition*>& tasks) {
  JsonObject definitions;
  for (const TaskDefinition* task : tasks) definitions.set(task->name, definition(*task));
  return Json::object({{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                       {"$defs", std::move(definitions)}});
}

std::string indented_json(const Json& value) {
  std::string text;
  write_indented(value, "", text);
  return text + "\n";
}

}  // namespace celeriac::worker
