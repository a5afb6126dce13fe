// The HTTP endpoint for metrics and health.
#pragma once

#include <string>

namespace celeriac::worker {

struct MonitoringSettings {
  std::string http;  // --http [HOST:]PORT; empty: no endpoint. Without HOST: every address
};

}  // namespace celeriac::worker
