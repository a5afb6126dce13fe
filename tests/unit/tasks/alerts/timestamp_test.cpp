#include "tasks/alerts/timestamp.h"

#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

std::string round_trip(std::string_view text) {
  const auto time = parse_time(text);
  return time ? to_iso8601(*time) : "none";
}

TEST(Timestamp, ReadsIso8601InEveryFormThatSourcesWrite) {
  EXPECT_EQ(round_trip("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z");
  EXPECT_EQ(round_trip("2026-01-02 03:04:05"), "2026-01-02T03:04:05Z");
  EXPECT_EQ(round_trip("2026-01-02T03:04:05.999999999Z"), "2026-01-02T03:04:05Z");
  EXPECT_EQ(round_trip("2026-01-02T03:04:05+02:00"), "2026-01-02T01:04:05Z");
  EXPECT_EQ(round_trip("2026-01-02T03:04:05-0130"), "2026-01-02T04:34:05Z");
  EXPECT_EQ(round_trip("1970-01-01T00:00:00Z"), "1970-01-01T00:00:00Z");
}

TEST(Timestamp, KeepsFractionsOfASecond) {
  EXPECT_EQ(*parse_time("2026-01-02T03:04:05.25Z") - *parse_time("2026-01-02T03:04:05Z"), 250ms);
}

TEST(Timestamp, RefusesWhatIsNoTime) {
  for (const auto* text :
       {"", "now", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z", "2026-01-02T25:04:05Z",
        "2026-01-02", "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05.Z", "9999-01-01T00:00:00Z"}) {
    EXPECT_EQ(round_trip(text), "none") << text;
  }
}

TEST(Timestamp, ReadsTheDateOfAnHttpHeader) {
  const auto time = parse_http_date("Fri, 02 Jan 2026 03:04:05 GMT");
  ASSERT_TRUE(time);
  EXPECT_EQ(to_iso8601(*time), "2026-01-02T03:04:05Z");
  EXPECT_FALSE(parse_http_date("Fri, 02 Foo 2026 03:04:05 GMT"));
  EXPECT_FALSE(parse_http_date("120"));
  EXPECT_FALSE(parse_http_date("Fri, 02 Jan 2026 03:04:05 CET"));
}

}  // namespace
}  // namespace celeriac::alerts
