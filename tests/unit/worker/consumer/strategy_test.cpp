#include "worker/consumer/strategy.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

const protocol::Timestamp kNow{1'700'000'000s};
const Clock::time_point kSteady{1000s};

TEST(Strategy, DiscardsATaskStrictlyAfterItExpires) {
  protocol::TaskMessage message;
  message.expires = kNow;
  const Revoked none;
  EXPECT_EQ(discards(message, none, kNow, kSteady), std::nullopt);
  EXPECT_EQ(discards(message, none, kNow + 1us, kSteady), Discard::expired);
}

TEST(Strategy, DiscardsARevokedTask) {
  protocol::TaskMessage message;
  message.id = "a";
  Revoked revoked;
  revoked.add("a", kSteady);
  EXPECT_EQ(discards(message, revoked, kNow, kSteady), Discard::revoked);
}

TEST(Strategy, RunsATaskWhoseEtaHasPassed) {
  EXPECT_EQ(admit(std::nullopt, kNow, {}, 10, {}), Admission::run);
  EXPECT_EQ(admit(kNow, kNow, {}, 10, {}), Admission::run);
}

TEST(Strategy, HoldsAnEtaUpToTheLimit) {
  const ConsumerSettings settings{.eta_hold_limit = 60s};
  EXPECT_EQ(admit(kNow + 60s, kNow, {}, 10, settings), Admission::hold_for_eta);
  EXPECT_EQ(admit(kNow + 61s, kNow, {}, 10, settings), Admission::delay_at_broker);
}

TEST(Strategy, SendsBackWhatWouldExceedItsBounds) {
  const ConsumerSettings settings{.held_messages = 2, .held_bytes = 100};
  const protocol::Timestamp eta = kNow + 1s;
  EXPECT_EQ(admit(eta, kNow, {1, 90}, 10, settings), Admission::hold_for_eta);
  EXPECT_EQ(admit(eta, kNow, {1, 91}, 10, settings), Admission::delay_at_broker);
  EXPECT_EQ(admit(eta, kNow, {2, 0}, 10, settings), Admission::delay_at_broker);
}

}  // namespace
}  // namespace celeriac::worker
