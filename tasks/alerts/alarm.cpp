#include "tasks/alerts/alarm.h"

#include <celeriac/error.h>

namespace celeriac::alerts {
namespace {

std::string required_text(const Json& json, std::string_view member, std::string_view of) {
  const auto* text = json[member].as_string();
  if (text == nullptr || text->empty()) {
    throw ArgumentError(std::string(of) + " has no \"" + std::string(member) +
                        "\": " + python_repr(json, 120));
  }
  return *text;
}

std::optional<std::string> optional_text(const Json& json) {
  const auto* text = json.as_string();
  if (text == nullptr) return std::nullopt;
  return *text;
}

std::vector<Row> rows_from_json(const Json& json, const std::string& rule) {
  const auto* items = json.as_array();
  if (items == nullptr) {
    throw ArgumentError("the rows of rule '" + rule + "' must be a list, not " +
                        python_repr(json, 80));
  }
  std::vector<Row> rows;
  rows.reserve(items->size());
  for (const auto& item : *items) rows.push_back(row_from_json(item));
  return rows;
}

std::vector<std::string> texts_from_json(const Json& json) {
  std::vector<std::string> texts;
  if (const auto* items = json.as_array()) {
    for (const auto& item : *items) texts.push_back(item.string_or(""));
  }
  return texts;
}

Json::Array texts_to_json(const std::vector<std::string>& texts) {
  Json::Array items;
  for (const auto& text : texts) items.emplace_back(text);
  return items;
}

// Without a key of its own an alarm is told from others by what the query grouped by.
std::string labels_key(const Rule& rule, const Row& row) {
  std::string key;
  for (const auto& [name, label] : row.labels) {
    key += (key.empty() ? "" : ":") + cell_text(label);
  }
  return key.empty() ? rule.name : key;
}

Fetched::Result result_from_json(const Json& json) {
  Fetched::Result result;
  result.rule = required_text(json, "rule", "what fetch returned");
  result.rows = rows_from_json(json["rows"], result.rule);
  return result;
}

Json result_to_json(const Fetched::Result& result) {
  Json::Array rows;
  rows.reserve(result.rows.size());
  for (const auto& row : result.rows) rows.push_back(to_json(row));
  return Json::object({{"rule", result.rule}, {"rows", std::move(rows)}});
}

}  // namespace

std::optional<Json> Alarm::field(std::string_view name) const {
  if (auto cell = row.field(name)) return cell;
  if (name == "rule") return Json(rule);
  if (name == "key") return Json(key);
  if (name == "severity") return Json(to_text(severity));
  if (name == "reason") return Json(reason);
  if (name == "name") return Json(row.series.empty() ? rule : row.series);
  return std::nullopt;
}

Json to_json(const Alarm& alarm) {
  JsonObject object;
  object.set("rule", alarm.rule);
  object.set("key", alarm.key);
  object.set("severity", to_text(alarm.severity));
  object.set("reason", alarm.reason);
  object.set("row", to_json(alarm.row));
  object.set("channels", texts_to_json(alarm.channels));
  if (!alarm.told.empty()) object.set("told", texts_to_json(alarm.told));
  return object;
}

Alarm alarm_from_json(const Json& json, const std::string& rule) {
  Alarm alarm;
  alarm.rule = json["rule"].string_or(rule);
  alarm.key = required_text(json, "key", "an alarm");
  alarm.severity = parse_severity(json["severity"].string_or("")).value_or(Severity::warning);
  alarm.reason = json["reason"].string_or("");
  if (!json["row"].is_null()) alarm.row = row_from_json(json["row"]);
  alarm.channels = texts_from_json(json["channels"]);
  alarm.told = texts_from_json(json["told"]);
  return alarm;
}

Parsed<std::string> alarm_key(const Rule& rule, const Row& row) {
  if (rule.key.empty()) return labels_key(rule, row);
  Alarm alarm;
  alarm.rule = rule.name;
  alarm.severity = rule.severity;
  alarm.row = row;
  auto rendered = rule.key.render([&alarm](std::string_view name) { return alarm.field(name); });
  if (rendered.missing.empty()) return std::move(rendered.text);
  return Mistake{"`key` names {" + rendered.missing.front() + "}, but the row has " +
                 row.field_names()};
}

Json to_json(const Fetched& fetched) {
  if (!fetched.task) return result_to_json(fetched.results.front());
  Json::Array results;
  for (const auto& result : fetched.results) results.push_back(result_to_json(result));
  return Json::object({{"task", *fetched.task}, {"results", std::move(results)}});
}

Fetched fetched_from_json(const Json& rule, const Json& rows) {
  Fetched fetched;
  if (const auto* name = rule.as_string()) {
    if (rows["rows"].is_array()) {  // cache("cpu", what fetch returned)
      fetched.results.push_back({*name, rows_from_json(rows["rows"], *name)});
    } else {
      fetched.results.push_back({*name, rows_from_json(rows, *name)});
    }
    return fetched;
  }
  fetched.task = optional_text(rule["task"]);
  if (const auto* results = rule["results"].as_array()) {
    for (const auto& result : *results) fetched.results.push_back(result_from_json(result));
  } else {
    fetched.results.push_back(result_from_json(rule));
  }
  return fetched;
}

Json to_json(const Claimed& claimed) {
  JsonObject object;
  if (claimed.task) {
    object.set("task", *claimed.task);
  } else {
    object.set("rule", claimed.rule);
  }
  object.set("token", claimed.token);
  Json::Array alarms;
  alarms.reserve(claimed.alarms.size());
  for (const auto& alarm : claimed.alarms) alarms.push_back(to_json(alarm));
  object.set("alarms", std::move(alarms));
  if (!claimed.failures.empty()) object.set("failures", texts_to_json(claimed.failures));
  if (claimed.tries > 0) object.set("tries", claimed.tries);
  return object;
}

Claimed claimed_from_json(const Json& rule, const Json& alarms) {
  Claimed claimed;
  // sendalert(claimed), sendalert("cpu", claimed) or sendalert("cpu", [alarm, …]).
  const Json& whole = alarms.is_object() ? alarms : rule;
  claimed.task = optional_text(whole["task"]);
  claimed.rule = whole["rule"].string_or(rule.string_or(""));
  claimed.token = whole["token"].string_or("");
  claimed.failures = texts_from_json(whole["failures"]);
  claimed.tries = whole["tries"].as_int().value_or(0);
  const Json& list = whole.is_object() ? whole["alarms"] : alarms;
  const auto* items = list.as_array();
  if (items == nullptr) {
    throw ArgumentError("the alarms must be a list, not " + python_repr(list, 80));
  }
  for (const auto& item : *items) claimed.alarms.push_back(alarm_from_json(item, claimed.rule));
  return claimed;
}

}  // namespace celeriac::alerts
