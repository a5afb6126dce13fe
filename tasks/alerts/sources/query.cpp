#include "tasks/alerts/sources/query.h"

#include <celeriac/error.h>

#include <algorithm>
#include <array>

#include "tasks/alerts/channels/reply.h"
#include "tasks/alerts/sources/influxdb1.h"
#include "tasks/alerts/sources/influxdb2.h"
#include "tasks/alerts/sources/influxdb3.h"

namespace celeriac::alerts {
namespace {

std::string_view remedy_for(int status) {
  switch (status) {
    case 400:
      return "check the rule's query";
    case 401:
      return "check the source's user, password or token";
    case 403:
      return "give the source's user or token the right to read";
    case 404:
      return "check the source's `url`, `kind`, `database` and `org`";
    case 405:
      return "check the source's `kind`";
    case 413:
      return "shorten the rule's query";
    case 429:
      return "it is asked too often; give the rules a longer `every`";
    default:
      return status >= 500 ? "see what InfluxDB logs" : "check the source's `url` and `kind`";
  }
}

// The text inside {"error": …} or {"message": …}, else the body as it is.
std::string error_text(const std::string& body) {
  try {
    const auto json = parse_json(body);
    for (const auto* member : {"error", "message"}) {
      if (const auto* text = json[member].as_string()) return excerpt(*text);
    }
  } catch (const MessageError&) {  // a proxy answers in HTML
  }
  return excerpt(body);
}

}  // namespace

HttpRequest query_request(const Source& source, const std::string& query, Milliseconds timeout) {
  HttpRequest request;
  switch (source.kind) {
    case Source::Kind::influxdb1:
      request = influxql_request(source, query);
      break;
    case Source::Kind::influxdb2:
      request = flux_request(source, query);
      break;
    case Source::Kind::influxdb3:
      request = sql_request(source, query);
      break;
  }
  request.timeout = timeout;
  request.max_body_bytes = kMaxAnswerBytes;
  return request;
}

QueryResult read_answer(const Source& source, const HttpResponse& answer, Time now) {
  if (auto failure = judge_query_status(source, answer, now)) return std::move(*failure);
  QueryResult result;
  switch (source.kind) {
    case Source::Kind::influxdb1:
      result = read_influxql(source, answer.body);
      break;
    case Source::Kind::influxdb2:
      result = read_flux(source, answer.body);
      break;
    case Source::Kind::influxdb3:
      result = read_sql(source, answer.body);
      break;
  }
  const auto* rows = std::get_if<std::vector<Row>>(&result);
  if (rows == nullptr || rows->size() <= kMaxRows) return result;
  return source_failure(source, SourceFailure::Repeat::useless,
                        "the query returned " + std::to_string(rows->size()) + " rows, more than " +
                            std::to_string(kMaxRows) + "; aggregate, group or limit in the query");
}

bool is_passing(std::string_view error) {
  static constexpr std::array<std::string_view, 6> kWords = {
      "timeout", "limit exceeded", "too many", "shutdown", "engine", "unavailable"};
  return std::any_of(kWords.begin(), kWords.end(), [error](std::string_view word) {
    return error.find(word) != std::string_view::npos;
  });
}

std::optional<SourceFailure> judge_query_status(const Source& source, const HttpResponse& answer,
                                                Time now) {
  const auto kind = judge_status(answer.status);
  if (kind == Answer::Kind::accepted) return std::nullopt;
  auto text = "InfluxDB answered HTTP " + std::to_string(answer.status) + ", " +
              error_text(answer.body) + "; " + std::string(remedy_for(answer.status));
  if (kind == Answer::Kind::refused) {
    return source_failure(source, SourceFailure::Repeat::useless, std::move(text));
  }
  auto failure = source_failure(source, SourceFailure::Repeat::useful, std::move(text));
  failure.after = retry_after(answer, now);
  return failure;
}

SourceFailure source_failure(const Source& source, SourceFailure::Repeat repeat, std::string text) {
  return {repeat, "source '" + source.name + "': " + std::move(text), std::nullopt};
}

}  // namespace celeriac::alerts
