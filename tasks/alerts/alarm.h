// A row that broke its rule, under the key that tells it from others; and what the three
// steps hand to each other as JSON.
#pragma once

#include <celeriac/json.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tasks/alerts/rule.h"

namespace celeriac::alerts {

struct Alarm {
  std::string rule;
  std::string key;  // the rule's `key`, filled in
  Severity severity = Severity::warning;
  std::string reason;
  Row row;                            // empty for an alarm about the run as a whole
  std::vector<std::string> channels;  // that are still to tell it
  std::vector<std::string> told;      // that have told it, which is not yet remembered

  // Any field of the row, or `rule`, `key`, `severity`, `reason`, and `name`, which is the row's
  // own, else its measurement, else the rule.
  std::optional<Json> field(std::string_view name) const;

  bool operator==(const Alarm&) const = default;
};

Json to_json(const Alarm& alarm);
// Throws ArgumentError for what is no alarm. `rule` is the one it belongs to unless it says so.
Alarm alarm_from_json(const Json& json, const std::string& rule);

// The key of this row under this rule, or which field of it is missing.
Parsed<std::string> alarm_key(const Rule& rule, const Row& row);

// fetch's result and cache's argument: rows by rule.
//   {"rule": "cpu", "rows": […]}   or   {"task": "MAINTASK", "results": [{"rule", "rows"}, …]}
struct Fetched {
  struct Result {
    std::string rule;
    std::vector<Row> rows;
  };
  std::optional<std::string> task;
  std::vector<Result> results;
};
Json to_json(const Fetched& fetched);
// Takes that object alone, or a rule's name and its rows. Throws ArgumentError.
Fetched fetched_from_json(const Json& rule, const Json& rows);

// cache's result and sendalert's argument: the alarms that are to be told, and the token under
// which they are reserved.
//   {"rule" or "task": …, "token": …, "alarms": […]}
// A retry carries what is left, in "failures" what a channel has refused for good, and in "tries"
// how often something went wrong: waiting for a channel's rate is no failure.
struct Claimed {
  std::optional<std::string> task;
  std::string rule;
  std::string token;
  std::vector<Alarm> alarms;
  std::vector<std::string> failures;
  std::int64_t tries = 0;

  const std::string& run() const { return task ? *task : rule; }
};
Json to_json(const Claimed& claimed);
// Takes that object alone, or a rule's name and a list of alarms, or one and the other.
// Throws ArgumentError.
Claimed claimed_from_json(const Json& rule, const Json& alarms);

}  // namespace celeriac::alerts
