#include "worker/consumer/delayed_queue.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

TEST(DelayedQueue, SendsTheMessageBackWhereItCameFrom) {
  const protocol::Queue queue = delayed_queue("celery", 60s);
  EXPECT_EQ(queue.name, "celeriac.delayed.60.celery");
  EXPECT_EQ(queue.arguments, (JsonObject{{"x-message-ttl", 60'000},
                                         {"x-dead-letter-exchange", ""},
                                         {"x-dead-letter-routing-key", "celery"},
                                         {"x-expires", 180'000}}));
}

TEST(DelayedQueue, RoundsTheDelayDownToAStep) {
  EXPECT_EQ(delayed_queue("q", 119s).name, "celeriac.delayed.60.q");
  EXPECT_EQ(delayed_queue("q", 120s).name, "celeriac.delayed.120.q");
  EXPECT_EQ(delayed_queue("q", 1h).name, "celeriac.delayed.1920.q");
  EXPECT_EQ(delayed_queue("q", 24h * 365).name, "celeriac.delayed.61440.q");
}

TEST(DelayedQueue, WaitsAMinuteForWhatIsDueSooner) {
  EXPECT_EQ(delayed_queue("q", 0s).name, "celeriac.delayed.60.q");
}

}  // namespace
}  // namespace celeriac::worker
