#include "tasks/alerts/channels/reply.h"

#include <gtest/gtest.h>

#include "tests/unit/tasks/alerts/alarms.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

const Time kNow = *parse_time("2026-01-02T03:04:05Z");

TEST(RetryAfter, IsSecondsOrADate) {
  EXPECT_EQ(parse_retry_after("30", kNow), 30s);
  EXPECT_EQ(parse_retry_after("0", kNow), 0s);
  EXPECT_EQ(parse_retry_after("1.5", kNow), 1500ms);
  EXPECT_EQ(parse_retry_after("Fri, 02 Jan 2026 03:05:05 GMT", kNow), 60s);
  EXPECT_EQ(parse_retry_after("Fri, 02 Jan 2026 03:00:00 GMT", kNow), 0s);
}

TEST(RetryAfter, IsAnHourAtMostAndNeverNonsense) {
  EXPECT_EQ(parse_retry_after("1e300", kNow), std::nullopt);
  EXPECT_EQ(parse_retry_after("999999999", kNow), 1h);
  EXPECT_EQ(parse_retry_after("Fri, 02 Jan 2032 03:05:05 GMT", kNow), 1h);
  for (const auto* text : {"", "soon", "-5", "5 s", "nan"}) {
    EXPECT_EQ(parse_retry_after(text, kNow), std::nullopt) << text;
  }
  EXPECT_EQ(retry_after(reply(429, "", {{"retry-after", "7"}}), kNow), 7s);
  EXPECT_EQ(retry_after(reply(429, ""), kNow), std::nullopt);
}

TEST(Status, SaysWhetherARepetitionCanHelp) {
  for (const int status : {200, 202, 204}) {
    EXPECT_EQ(judge_status(status), Answer::Kind::accepted) << status;
  }
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) {
    EXPECT_EQ(judge_status(status), Answer::Kind::again) << status;
  }
  for (const int status : {301, 302, 400, 401, 403, 404, 405, 410, 413, 422}) {
    EXPECT_EQ(judge_status(status), Answer::Kind::refused) << status;
  }
}

TEST(Excerpt, IsShortAndOnOneLine) {
  EXPECT_EQ(excerpt("a\r\nb"), "\"a  b\"");
  EXPECT_EQ(excerpt(""), "an empty body");
  EXPECT_LE(excerpt(std::string(100'000, 'x')).size(), 202u);
}

}  // namespace
}  // namespace celeriac::alerts
