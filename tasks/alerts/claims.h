// Who tells which alarm: claim, send, confirm.
//
// A key is one alarm on one channel. It is
//
//   free ──reserve──▶ claimed ──take──▶ sending ──confirm──▶ told ──(dedupe_for)──▶ free
//                        ▲                 │
//                        └──────keep───────┤ the same again, later
//                                          └─release─▶ free: the channel finally said no
//
// `claimed` belongs to a token, the run that found the alarm; it only keeps other runs from
// finding it too, so whoever is to send may take it over. `sending` belongs to one attempt: nobody
// else sends meanwhile. Both are leases: they end by themselves if the worker is killed, and the
// redelivered message goes on where it stopped. Killed between the channel's yes and the confirm,
// an alarm is told twice; killed anywhere else, once.
#pragma once

#include <celeriac/async.h>
#include <celeriac/redis.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tasks/alerts/duration.h"
#include "tasks/alerts/timestamp.h"

namespace celeriac::alerts {

using Keys = std::vector<std::string>;

// One run's attempt to send. Its text never holds a blank.
struct Attempt {
  Attempt() = default;  // no aggregate: GCC 12 destroys temporary ones twice beside co_await
  Attempt(std::string of, std::string unique) : token(std::move(of)), number(std::move(unique)) {}

  std::string token;   // the run
  std::string number;  // unlike that of any other attempt
};

// What `take` found for one key.
struct Taken {
  enum class Kind {
    mine,  // sending, by this attempt
    told,  // somebody has told it
    busy,  // another attempt is at it, for `wait` at most
  };
  Kind kind = Kind::mine;
  Milliseconds wait{0};
};

// How `observe` found one alarm with hysteresis.
enum class Level { normal, holding, broken };

class Claims {
 public:
  virtual ~Claims() = default;

  // For each key whether this token holds it now: it was free, or claimed by the same token.
  virtual Async<std::vector<bool>> reserve(Keys keys, std::string token, Milliseconds lease) = 0;
  virtual Async<std::vector<Taken>> take(Keys keys, Attempt attempt, Milliseconds lease) = 0;
  // Told, each for its own time. Whoever holds them: they were told.
  virtual Async<void> confirm(Keys keys, std::string token, std::vector<Milliseconds> times) = 0;
  // Sending by this attempt becomes claimed by its token again.
  virtual Async<void> keep(Keys keys, Attempt attempt, Milliseconds lease) = 0;
  // Frees what this token claimed or this attempt sends.
  virtual Async<void> release(Keys keys, Attempt attempt) = 0;

  // For alarms with a recovery threshold: remembers which are firing, and says for each whether
  // it is an alarm now (broken, or holding after it was broken).
  virtual Async<std::vector<bool>> observe(Keys keys, std::vector<Level> levels) = 0;
};

// Shared by all workers.
class RedisClaims : public Claims {
 public:
  explicit RedisClaims(RedisClient& redis) : redis_(redis) {}

  Async<std::vector<bool>> reserve(Keys keys, std::string token, Milliseconds lease) override;
  Async<std::vector<Taken>> take(Keys keys, Attempt attempt, Milliseconds lease) override;
  Async<void> confirm(Keys keys, std::string token, std::vector<Milliseconds> times) override;
  Async<void> keep(Keys keys, Attempt attempt, Milliseconds lease) override;
  Async<void> release(Keys keys, Attempt attempt) override;
  Async<std::vector<bool>> observe(Keys keys, std::vector<Level> levels) override;

 private:
  RedisClient& redis_;
};

// The memory of one process, for a single worker without Redis. Loop thread only.
class ClaimMemory {
 public:
  struct Entry {
    std::string value;
    Time until;
  };
  // The value, if it has not ended.
  const Entry* find(const std::string& key, Time now);
  void set(const std::string& key, std::string value, Time until);
  void erase(const std::string& key) { entries_.erase(key); }
  std::size_t size() const { return entries_.size(); }
  // Forgets what has ended, from time to time.
  void drop_ended(Time now);

 private:
  std::map<std::string, Entry> entries_;
  std::size_t drop_at_ = 1024;
};

// The same rules over that memory, at one moment.
class LocalClaims : public Claims {
 public:
  using Clock = std::function<Time()>;
  LocalClaims(ClaimMemory& memory, Clock clock) : memory_(memory), clock_(std::move(clock)) {}

  Async<std::vector<bool>> reserve(Keys keys, std::string token, Milliseconds lease) override;
  Async<std::vector<Taken>> take(Keys keys, Attempt attempt, Milliseconds lease) override;
  Async<void> confirm(Keys keys, std::string token, std::vector<Milliseconds> times) override;
  Async<void> keep(Keys keys, Attempt attempt, Milliseconds lease) override;
  Async<void> release(Keys keys, Attempt attempt) override;
  Async<std::vector<bool>> observe(Keys keys, std::vector<Level> levels) override;

 private:
  ClaimMemory& memory_;
  Clock clock_;
};

}  // namespace celeriac::alerts
