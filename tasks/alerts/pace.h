// Keeps a channel's messages within its rate before the receiver has to refuse any: each one gets
// a time, in the order of asking, such that no second and no minute sees too many.
#pragma once

#include <celeriac/async.h>
#include <celeriac/redis.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "tasks/alerts/duration.h"
#include "tasks/alerts/rule.h"
#include "tasks/alerts/timestamp.h"

namespace celeriac::alerts {

// A place in a channel's line.
struct Turn {
  enum class Kind {
    taken,  // wait, then send
    full,   // the line is too long; ask again after `wait`
  };
  Kind kind = Kind::taken;
  Milliseconds wait{0};
};

class Pace {
 public:
  virtual ~Pace() = default;
  // Nobody waits in line for longer than `patience`.
  virtual Async<Turn> next(std::string channel, Rate rate, Milliseconds patience) = 0;
  // The receiver has refused for its rate: nobody sends for this time.
  virtual Async<void> pause(std::string channel, Milliseconds time) = 0;
};

// Shared by all workers, on Redis' clock.
class RedisPace : public Pace {
 public:
  explicit RedisPace(RedisClient& redis) : redis_(redis) {}
  Async<Turn> next(std::string channel, Rate rate, Milliseconds patience) override;
  Async<void> pause(std::string channel, Milliseconds time) override;

 private:
  RedisClient& redis_;
};

// When the messages of one channel went out or will.
struct Line {
  std::deque<Time> turns;  // ascending, as many as the rate looks back
  Time paused_until{};

  Turn next(const Rate& rate, Milliseconds patience, Time now);
};

class LocalPace : public Pace {
 public:
  using Lines = std::map<std::string, Line>;
  using Clock = std::function<Time()>;
  LocalPace(Lines& lines, Clock clock) : lines_(lines), clock_(std::move(clock)) {}
  Async<Turn> next(std::string channel, Rate rate, Milliseconds patience) override;
  Async<void> pause(std::string channel, Milliseconds time) override;

 private:
  Lines& lines_;
  Clock clock_;
};

}  // namespace celeriac::alerts
