// InfluxDB 1 and what still speaks its `/query`: InfluxQL in, JSON out.
#pragma once

#include "tasks/alerts/sources/query.h"

namespace celeriac::alerts {

HttpRequest influxql_request(const Source& source, const std::string& query);

// The body of a 200: most errors of a statement come inside it, and so does an answer that the
// server has cut, which is a failure and not data.
QueryResult read_influxql(const Source& source, const std::string& body);

// True for `SELECT …; SELECT …`: the server reports only the last statement's error.
bool has_several_statements(std::string_view query);

}  // namespace celeriac::alerts
