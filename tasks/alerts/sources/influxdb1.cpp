#include "tasks/alerts/sources/influxdb1.h"

#include <celeriac/error.h>

#include "tasks/alerts/channels/reply.h"
#include "tasks/alerts/encoding.h"

namespace celeriac::alerts {
namespace {

using Repeat = SourceFailure::Repeat;

// One row of a series; false if it has another number of cells than there are columns.
bool read_row(const Row& of_series, const Json::Array& columns, const Json& cells, Row& row) {
  const auto* values = cells.as_array();
  if (values == nullptr || values->size() != columns.size()) return false;
  row = of_series;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto name = columns[i].string_or("");
    if (name == "time" && (*values)[i].is_string()) {
      row.time = *(*values)[i].as_string();
    } else {
      row.values.set(name, (*values)[i]);
    }
  }
  return true;
}

bool read_series(const Json& series, std::vector<Row>& rows) {
  const auto* columns = series["columns"].as_array();
  if (columns == nullptr) return false;
  Row of_series;
  of_series.series = series["name"].string_or("");
  if (const auto* tags = series["tags"].as_object()) of_series.labels = *tags;
  const auto* values = series["values"].as_array();
  if (values == nullptr) return series["values"].is_null();
  for (const auto& cells : *values) {
    Row row;
    if (!read_row(of_series, *columns, cells, row)) return false;
    rows.push_back(std::move(row));
  }
  return true;
}

SourceFailure malformed(const Source& source, const std::string& body) {
  return source_failure(source, Repeat::useful,
                        "the answer is not InfluxQL's JSON: " + excerpt(body) +
                            "; check the source's `url` and `kind`");
}

SourceFailure statement_failed(const Source& source, const std::string& error) {
  return source_failure(source, is_passing(error) ? Repeat::useful : Repeat::useless,
                        "InfluxDB refused the query: " + excerpt(error) +
                            "; check the rule's query and the source's `database`");
}

}  // namespace

HttpRequest influxql_request(const Source& source, const std::string& query) {
  HttpRequest request;
  request.method = "POST";
  request.url = source.url + "/query";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  // Basic is the one form that all three generations of InfluxDB read here.
  if (!source.username.empty() || !source.password.empty()) {
    request.headers.emplace_back("Authorization",
                                 "Basic " + base64(source.username + ":" + source.password));
  }
  request.body =
      form_encode({{"db", source.database}, {"rp", source.retention_policy}, {"q", query}});
  return request;
}

QueryResult read_influxql(const Source& source, const std::string& body) {
  Json json;
  try {
    json = parse_json(body);
  } catch (const MessageError&) {
    return malformed(source, body);
  }
  if (const auto* error = json["error"].as_string()) return statement_failed(source, *error);
  const auto* results = json["results"].as_array();
  if (results == nullptr) return malformed(source, body);
  std::vector<Row> rows;
  for (const auto& result : *results) {
    if (const auto* error = result["error"].as_string()) return statement_failed(source, *error);
    const auto* all_series = result["series"].as_array();
    if (all_series == nullptr) continue;  // no data
    for (const auto& series : *all_series) {
      if (series["partial"].truthy() || result["partial"].truthy()) {
        return source_failure(source, Repeat::useless,
                              "InfluxDB cut the answer at its max-row-limit; aggregate, group or "
                              "limit in the query");
      }
      if (!read_series(series, rows)) return malformed(source, body);
    }
  }
  return rows;
}

bool has_several_statements(std::string_view query) {
  char quote = '\0';
  bool ended = false;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const char c = query[i];
    if (quote != '\0') {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        quote = '\0';
      }
      continue;
    }
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ';';
    if (ended && !blank) return true;
    if (c == '\'' || c == '"') quote = c;
    if (c == ';') ended = true;
  }
  return false;
}

}  // namespace celeriac::alerts
