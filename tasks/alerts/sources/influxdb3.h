// InfluxDB 3: SQL in, a JSON array of row objects out.
#pragma once

#include "tasks/alerts/sources/query.h"

namespace celeriac::alerts {

HttpRequest sql_request(const Source& source, const std::string& query);

// Null columns are absent from their row; times carry no zone and mean UTC.
QueryResult read_sql(const Source& source, const std::string& body);

}  // namespace celeriac::alerts
