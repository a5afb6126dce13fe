// How long to wait before the next attempt to connect. Pure: time and chance come
// from outside.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

namespace celeriac::worker {

// Celery's schedule: 2, 4, 6 … 32 seconds. `lead_in` comes before it: a broker that
// starts together with the worker is met soon.
struct BackoffSchedule {
  std::vector<std::chrono::milliseconds> lead_in;
  std::chrono::milliseconds start{2000};
  std::chrono::milliseconds step{2000};
  std::chrono::milliseconds max{32000};
  // A delay varies by this share of itself, so that a fleet does not return at once.
  double jitter = 0.1;
};

class Backoff {
 public:
  Backoff(BackoffSchedule schedule, std::uint64_t seed);

  // The delay before the next attempt.
  std::chrono::milliseconds next();

  // How many delays were given since the last reset.
  std::uint32_t attempts() const { return attempts_; }

  // After a success.
  void reset() { attempts_ = 0; }

 private:
  BackoffSchedule schedule_;
  std::mt19937_64 random_;
  std::uint32_t attempts_ = 0;
};

}  // namespace celeriac::worker
