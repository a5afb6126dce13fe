// What a worker says of itself: in heartbeats, in `stats` and in `report`.
#pragma once

#include <celeriac/json.h>

#include <cstdint>

namespace celeriac::worker {

// sw_ident, sw_ver, sw_sys.
JsonObject software_info();
// 1, 5 and 15 minutes, rounded up to two decimals as Celery's.
Json load_average();
// getrusage(RUSAGE_SELF) by Python's field names, without the `ru_`.
Json resource_usage();

}  // namespace celeriac::worker
