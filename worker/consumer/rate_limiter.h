// Holds tasks of rate limited types until their turn (Celery 5.x, consumer.py
// _schedule_bucket_request; kombu, utils/limits.py TokenBucket).
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "worker/execution/request.h"

namespace celeriac::worker {

// One token at most, full at first, filled at `rate` tokens a second.
class TokenBucket {
 public:
  explicit TokenBucket(double rate) : rate_(rate) {}

  // Takes a token if there is one.
  bool take(Clock::time_point now);
  // When there will be one; not in the past.
  Clock::time_point ready_at(Clock::time_point now) const;

 private:
  void fill(Clock::time_point now);

  double rate_;
  double tokens_ = 1;
  std::optional<Clock::time_point> filled_;
};

// A line and a bucket for each task type, so that no type waits for another. Pure: time comes
// in. Loop thread only.
class RateLimiter {
 public:
  // True if the task may go at once: its type has no limit, or a token and nobody waiting.
  bool admits(const TaskType& type, Clock::time_point now);

  // How long one that is not admitted would wait, about.
  std::chrono::seconds wait_of_next(const TaskType& type);

  // Puts a task in its type's line.
  void hold(TaskRequestPtr request);

  // Those whose turn has come, in their order.
  std::vector<TaskRequestPtr> release(Clock::time_point now);
  // When `release` should be called next; empty if nobody waits.
  std::optional<Clock::time_point> next_release(Clock::time_point now) const;

  // The type's limit has changed: a new bucket for those who come and those who wait.
  void limit_changed(const TaskType& type);

  // What the lost connection had delivered comes again from the broker.
  std::vector<TaskRequestPtr> take_all();
  // The one with this id, or null.
  TaskRequestPtr take(std::string_view id);

  std::size_t size() const { return size_; }

 private:
  struct Line {
    TokenBucket bucket;
    std::deque<TaskRequestPtr> waiting;
  };
  Line& line_of(const TaskType& type);

  std::map<const TaskType*, Line> lines_;
  std::size_t size_ = 0;
};

}  // namespace celeriac::worker
