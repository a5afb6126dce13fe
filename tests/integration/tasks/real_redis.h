// A client of the Redis whose URL is in CELERIAC_TEST_REDIS_URL.
#pragma once

#include <celeriac/error.h>

#include <cstdlib>

#include "tests/support/run_on_loop.h"
#include "worker/clients/redis_client.h"

namespace celeriac::alerts {

struct RealRedis {
  static worker::RedisAddress address() {
    const char* url = std::getenv("CELERIAC_TEST_REDIS_URL");
    if (!url) throw ConfigError("set CELERIAC_TEST_REDIS_URL, e.g. redis://127.0.0.1:6379/0");
    return worker::parse_redis_url(url);
  }
  template <class T>
  T run(Async<T> work) {
    return test::run_on_loop(loop, std::move(work));
  }
  void run(Async<void> work) { test::run_on_loop(loop, std::move(work)); }

  worker::Loop loop;
  worker::HiredisClient client{loop, address(), {}};
};

}  // namespace celeriac::alerts
