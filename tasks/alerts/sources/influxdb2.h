// InfluxDB 2: Flux in, annotated CSV out.
#pragma once

#include "tasks/alerts/sources/query.h"

namespace celeriac::alerts {

HttpRequest flux_request(const Source& source, const std::string& query);

QueryResult read_flux(const Source& source, const std::string& body);

// Annotated CSV alone, as the server's /api/v2/query sends it. Rows or what is wrong; the error
// table that ends a query which broke after its first rows is such a failure.
QueryResult read_annotated_csv(const Source& source, std::string_view text);

}  // namespace celeriac::alerts
