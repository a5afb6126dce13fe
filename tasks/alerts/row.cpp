#include "tasks/alerts/row.h"

#include <celeriac/error.h>

namespace celeriac::alerts {
namespace {

// A flat object is a row too, unless it has the members that only our own form has.
bool is_flat(const Json& json) {
  return json["labels"].as_object() == nullptr && json["values"].as_object() == nullptr;
}

}  // namespace

std::optional<Json> Row::field(std::string_view name) const {
  if (const Json* label = labels.find(name)) return *label;
  if (const Json* value = values.find(name)) return *value;
  if (name == "time" && time) return Json(*time);
  return std::nullopt;
}

std::string Row::field_names() const {
  std::string names;
  const auto add = [&names](const std::string& name) {
    if (!names.empty()) names += ", ";
    names += name;
  };
  for (const auto& [name, label] : labels) add(name);
  for (const auto& [name, value] : values) add(name);
  if (time) add("time");
  return names.empty() ? "none" : names;
}

Json to_json(const Row& row) {
  JsonObject object;
  if (!row.series.empty()) object.set("series", row.series);
  object.set("labels", row.labels);
  if (row.time) object.set("time", *row.time);
  object.set("values", row.values);
  return object;
}

Row row_from_json(const Json& json) {
  const auto* object = json.as_object();
  if (object == nullptr) {
    throw ArgumentError("a row must be an object of columns, but one is " + python_repr(json, 80));
  }
  Row row;
  if (is_flat(json)) {
    row.values = *object;
    if (const auto* time = json["time"].as_string()) {
      row.time = *time;
      row.values.erase("time");
    }
    return row;
  }
  row.series = json["series"].string_or("");
  if (const auto* labels = json["labels"].as_object()) row.labels = *labels;
  if (const auto* time = json["time"].as_string()) row.time = *time;
  if (const auto* values = json["values"].as_object()) row.values = *values;
  return row;
}

std::string cell_text(const Json& cell) {
  if (const auto* text = cell.as_string()) return *text;
  return dump_json(cell);
}

}  // namespace celeriac::alerts
