// What every source's answer becomes, whatever its dialect: rows with group labels, a time
// and columns. Cells keep their kinds: integer, real, boolean, string and null stay apart.
#pragma once

#include <celeriac/json.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace celeriac::alerts {

struct Row {
  std::string series;               // the measurement, where the source tells it
  JsonObject labels;                // what the query grouped by
  std::optional<std::string> time;  // ISO 8601, UTC
  JsonObject values;                // the other columns

  // A cell by its name: labels first, then columns, then `time`. Null if there is none.
  std::optional<Json> field(std::string_view name) const;
  // The names `field` knows, for messages: "host, usage, time".
  std::string field_names() const;

  bool operator==(const Row&) const = default;
};

// {"series": …, "labels": {…}, "time": …, "values": {…}}; empty members are left out.
Json to_json(const Row& row);
// Reads that form, or any flat object, whose members then are the columns.
// Throws ArgumentError for what is no object.
Row row_from_json(const Json& json);

// A cell as people read it: strings bare, reals in their shortest form.
std::string cell_text(const Json& cell);

}  // namespace celeriac::alerts
