// The surroundings of an alert task's run: Redis is away unless a test says otherwise.
#pragma once

#include <celeriac/testing.h>

#include "tasks/alerts/timestamp.h"

namespace celeriac::alerts {

class FakeContext : public fake::Context {
 public:
  FakeContext() {
    mine.id = "task-1";
    clock = *parse_time("2026-01-02T03:04:05Z");
    store.answer = [](const fake::Redis::Command&) -> RedisReply {
      throw Timeout("Redis at 127.0.0.1:6379 did not answer in time");
    };
  }
};

}  // namespace celeriac::alerts
