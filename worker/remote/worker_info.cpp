#include "worker/remote/worker_info.h"

#include <sys/resource.h>

#include <cmath>
#include <cstdlib>

#ifndef CELERIAC_VERSION
#error "CELERIAC_VERSION comes from the build"
#endif

namespace celeriac::worker {

JsonObject software_info() {
  return {{"sw_ident", "celeriac"}, {"sw_ver", CELERIAC_VERSION}, {"sw_sys", "Linux"}};
}

Json load_average() {
  double loads[3] = {0, 0, 0};
  if (getloadavg(loads, 3) != 3) return Json::array({0.0, 0.0, 0.0});
  Json::Array rounded;
  for (double load : loads) rounded.emplace_back(std::ceil(load * 100) / 100);
  return Json(std::move(rounded));
}

Json resource_usage() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return "N/A";
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return Json::object({{"utime", seconds(usage.ru_utime)},
                       {"stime", seconds(usage.ru_stime)},
                       {"maxrss", usage.ru_maxrss},
                       {"ixrss", usage.ru_ixrss},
                       {"idrss", usage.ru_idrss},
                       {"isrss", usage.ru_isrss},
                       {"minflt", usage.ru_minflt},
                       {"majflt", usage.ru_majflt},
                       {"nswap", usage.ru_nswap},
                       {"inblock", usage.ru_inblock},
                       {"oublock", usage.ru_oublock},
                       {"msgsnd", usage.ru_msgsnd},
                       {"msgrcv", usage.ru_msgrcv},
                       {"nsignals", usage.ru_nsignals},
                       {"nvcsw", usage.ru_nvcsw},
                       {"nivcsw", usage.ru_nivcsw}});
}

}  // namespace celeriac::worker
