// How often a message came back from a run that had no end.
#pragma once

#include <celeriac/async.h>
#include <celeriac/redis.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "worker/broker/broker.h"
#include "worker/execution/request.h"

namespace celeriac::worker {

// Loop thread only. Only what the broker marks as redelivered is counted.
//
// With Redis the workers that share it count together, and a count outlives them. Without it a
// quorum queue counts. A classic one does not, and a message cannot be written to; so there each
// message has a queue for its count, `celeriac.redelivered.<limit>.<id>-<retries>`: a run puts one
// message into it, and it takes fewer than the limit. It is deleted when the task ends, and goes by
// itself after a day.
class Redeliveries {
 public:
  // `redis` may be null.
  Redeliveries(RedisClient* redis, std::string key_prefix, Broker& broker)
      : redis_(redis), key_prefix_(std::move(key_prefix)), broker_(broker) {}

  // It will come back for no run's sake: it was put back here, or had not begun. Then this worker
  // can count it alone.
  void expect(const protocol::TaskMessage& message);

  // To be called once whenever a redelivered message is about to run: how many times it was
  // delivered before. Never less than one.
  Async<std::int64_t> count(const TaskRequest& request, std::int64_t limit);

  // It will not come back.
  void forget(const protocol::TaskMessage& message);

 private:
  struct Known {
    std::int64_t count = 0;
    std::string queue;  // which counts it, too; may be empty
  };
  Known& known(const std::string& message);
  Async<std::optional<std::int64_t>> count_in_redis(std::string message);
  // False: it was delivered as often as it may be.
  Async<bool> count_in_queue(protocol::Queue queue);

  RedisClient* redis_;
  std::string key_prefix_;
  Broker& broker_;
  std::map<std::string, Known> here_;
  std::deque<std::string> oldest_;  // what is in `here_`, as it came
};

}  // namespace celeriac::worker
