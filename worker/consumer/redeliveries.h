// How often a message came back from a run that had no end.
#pragma once

#include <celeriac/async.h>
#include <celeriac/redis.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "worker/execution/request.h"

namespace celeriac::worker {

// Loop thread only. Only what the broker marks as redelivered is counted.
class Redeliveries {
 public:
  // With Redis the workers that share it count together, and a count outlives them. Without it
  // (null) each counts for itself; only quorum queues then know of a worker that was killed.
  Redeliveries(RedisClient* redis, std::string key_prefix)
      : redis_(redis), key_prefix_(std::move(key_prefix)) {}

  // To be called once whenever a redelivered message is about to run: how many times it was
  // delivered before. Never less than one.
  Async<std::int64_t> count(const TaskRequest& request);

 private:
  std::int64_t count_here(const std::string& message);
  Async<std::optional<std::int64_t>> count_in_redis(std::string message);

  RedisClient* redis_;
  std::string key_prefix_;
  std::map<std::string, std::int64_t> here_;
  std::deque<std::string> oldest_;  // what is in `here_`, as it came
};

}  // namespace celeriac::worker
