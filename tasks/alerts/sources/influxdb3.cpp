#include "tasks/alerts/sources/influxdb3.h"

#include <celeriac/error.h>

#include "tasks/alerts/channels/reply.h"

namespace celeriac::alerts {
namespace {

using Repeat = SourceFailure::Repeat;

SourceFailure malformed(const Source& source, const std::string& body) {
  return source_failure(source, Repeat::useful,
                        "the answer is not a JSON array of rows: " + excerpt(body) +
                            "; check the source's `url` and `kind`");
}

}  // namespace

HttpRequest sql_request(const Source& source, const std::string& query) {
  HttpRequest request;
  request.method = "POST";
  request.url = source.url + "/api/v3/query_sql";
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  if (!source.token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + source.token);
  }
  request.body =
      dump_json(Json::object({{"db", source.database}, {"q", query}, {"format", "json"}}));
  return request;
}

QueryResult read_sql(const Source& source, const std::string& body) {
  if (body.find_first_not_of(" \r\n\t") == std::string::npos) return std::vector<Row>();
  Json json;
  try {
    json = parse_json(body);
  } catch (const MessageError&) {
    return malformed(source, body);
  }
  if (const auto* error = json["error"].as_string()) {
    return source_failure(
        source, is_passing(*error) ? Repeat::useful : Repeat::useless,
        "InfluxDB refused the query: " + excerpt(*error) + "; check the rule's query");
  }
  const auto* items = json.as_array();
  if (items == nullptr) return malformed(source, body);
  std::vector<Row> rows;
  for (const auto& item : *items) {
    const auto* object = item.as_object();
    if (object == nullptr) return malformed(source, body);
    Row row;
    for (const auto& [name, value] : *object) {
      if (name == "time" && value.is_string()) {
        row.time = *value.as_string();
      } else {
        row.values.set(name, value);
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace celeriac::alerts
