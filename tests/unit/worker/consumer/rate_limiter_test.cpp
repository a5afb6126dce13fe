#include "worker/consumer/rate_limiter.h"

#include <gtest/gtest.h>

#include "tests/unit/worker/consumer/requests.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

const Clock::time_point kStart = Clock::time_point(1000s);

TEST(TokenBucket, HoldsOneTokenAtMost) {
  TokenBucket bucket(10);
  EXPECT_TRUE(bucket.take(kStart));
  EXPECT_FALSE(bucket.take(kStart));
  EXPECT_TRUE(bucket.take(kStart + 1h));
  EXPECT_FALSE(bucket.take(kStart + 1h));
}

TEST(TokenBucket, FillsAtItsRate) {
  TokenBucket bucket(10.0 / 60);
  EXPECT_TRUE(bucket.take(kStart));
  EXPECT_EQ(bucket.ready_at(kStart), kStart + 6s);
  EXPECT_FALSE(bucket.take(kStart + 5900ms));
  EXPECT_TRUE(bucket.take(bucket.ready_at(kStart + 5900ms)));
}

TEST(RateLimiter, AdmitsATypeWithoutALimitAlways) {
  RateLimiter limiter;
  RequestMaker maker;
  EXPECT_TRUE(limiter.admits(maker.type, kStart));
  EXPECT_TRUE(limiter.admits(maker.type, kStart));
}

TEST(RateLimiter, ReleasesInOrderOneATime) {
  RateLimiter limiter;
  RequestMaker maker;
  maker.type.rate_limit = 1;
  EXPECT_TRUE(limiter.admits(maker.type, kStart));
  for (const char* id : {"1", "2", "3"}) {
    EXPECT_FALSE(limiter.admits(maker.type, kStart));
    limiter.hold(maker.make(id));
  }
  EXPECT_EQ(limiter.next_release(kStart), kStart + 1s);
  EXPECT_TRUE(limiter.release(kStart + 999ms).empty());
  const auto first = limiter.release(kStart + 1s);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first.front()->id(), "1");
  EXPECT_EQ(limiter.release(kStart + 2s).front()->id(), "2");
  EXPECT_EQ(limiter.release(kStart + 3s).front()->id(), "3");
  EXPECT_EQ(limiter.next_release(kStart + 3s), std::nullopt);
}

TEST(RateLimiter, DoesNotLetANewcomerPassThoseWhoWait) {
  RateLimiter limiter;
  RequestMaker maker;
  maker.type.rate_limit = 1;
  EXPECT_TRUE(limiter.admits(maker.type, kStart));
  limiter.hold(maker.make("first"));
  EXPECT_FALSE(limiter.admits(maker.type, kStart + 5s));
}

TEST(RateLimiter, NeverMakesOneTypeWaitForAnother) {
  RateLimiter limiter;
  RequestMaker slow("slow"), quick("quick");
  slow.type.rate_limit = 0.001;
  quick.type.rate_limit = 1;
  EXPECT_TRUE(limiter.admits(slow.type, kStart));
  limiter.hold(slow.make("s"));
  EXPECT_TRUE(limiter.admits(quick.type, kStart));
  limiter.hold(quick.make("q"));
  const auto released = limiter.release(kStart + 1s);
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released.front()->id(), "q");
}

TEST(RateLimiter, LetsAllGoWhenTheLimitIsLifted) {
  RateLimiter limiter;
  RequestMaker maker;
  maker.type.rate_limit = 0.001;
  limiter.admits(maker.type, kStart);
  limiter.hold(maker.make("1"));
  limiter.hold(maker.make("2"));
  maker.type.rate_limit.reset();
  limiter.limit_changed(maker.type);
  EXPECT_EQ(limiter.release(kStart + 1ms).size() + limiter.release(kStart + 2ms).size(), 2u);
}

TEST(RateLimiter, GivesOutOneByItsId) {
  RateLimiter limiter;
  RequestMaker maker;
  limiter.hold(maker.make("1"));
  limiter.hold(maker.make("2"));
  EXPECT_EQ(limiter.take("2")->id(), "2");
  EXPECT_EQ(limiter.take("2"), nullptr);
  EXPECT_EQ(limiter.size(), 1u);
}

}  // namespace
}  // namespace celeriac::worker
