#include "protocol/message/timestamp.h"

#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

std::string read(std::string_view text) {
  const auto time = parse_iso8601(text);
  return time ? to_iso8601(*time) : "refused";
}

// Each accepted and refused text was put to dateutil's isoparse, which is what
// Celery's worker reads eta and expires with.
TEST(Timestamp, ReadsWhatCeleryReads) {
  const std::pair<const char*, const char*> cases[] = {
      {"2026", "2026-01-01T00:00:00+00:00"},
      {"2026-03", "2026-03-01T00:00:00+00:00"},
      {"2026-01-02", "2026-01-02T00:00:00+00:00"},
      {"20260102", "2026-01-02T00:00:00+00:00"},
      {"2026-W01", "2025-12-29T00:00:00+00:00"},
      {"2026W01", "2025-12-29T00:00:00+00:00"},
      {"2026-W01-3", "2025-12-31T00:00:00+00:00"},
      {"2026W013", "2025-12-31T00:00:00+00:00"},
      {"2026-W53-7", "2027-01-03T00:00:00+00:00"},
      {"2020-W53-1", "2020-12-28T00:00:00+00:00"},
      {"2026-045", "2026-02-14T00:00:00+00:00"},
      {"2026045", "2026-02-14T00:00:00+00:00"},
      {"2024-366", "2024-12-31T00:00:00+00:00"},
      {"2026-01-02T03", "2026-01-02T03:00:00+00:00"},
      {"2026-01-02T03Z", "2026-01-02T03:00:00+00:00"},
      {"2026-01-02T0304", "2026-01-02T03:04:00+00:00"},
      {"2026-01-02T03:04", "2026-01-02T03:04:00+00:00"},
      {"2026-01-02T030405", "2026-01-02T03:04:05+00:00"},
      {"2026-01-02T03:04:05.5", "2026-01-02T03:04:05.500000+00:00"},
      {"2026-01-02T03:04:05,123456789Z", "2026-01-02T03:04:05.123456+00:00"},
      {"2026-11-23T00:36:42.364875+00:00", "2026-11-23T00:36:42.364875+00:00"},
      {"2026-01-02 03:04:05+0230", "2026-01-02T00:34:05+00:00"},
      {"2026-01-02T03:04:05-05", "2026-01-02T08:04:05+00:00"},
      {"2026-01-02T24:00", "2026-01-03T00:00:00+00:00"},
      {"9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999+00:00"},
  };
  for (const auto& [text, time] : cases) EXPECT_EQ(read(text), time) << text;
}

TEST(Timestamp, RefusesWhatCeleryRefuses) {
  for (const char* text : {"",
                           "zz",
                           "202",
                           "not-a-date",
                           "202601",
                           "2026-W01-",
                           "2026-W54",
                           "2026-W00",
                           "2026-W01T10",
                           "2026-W531",
                           "2026-366",
                           "2026-000",
                           "0000",
                           "2026-01-02T",
                           "2026-01-02T3",
                           "2026-01-02T03:0405",
                           "2026-01-02T0304:05",
                           "2026-01-02T03:04:05.",
                           "2026-01-02T24:01",
                           "2026-01-02T25",
                           "2026-01-02T03:60",
                           "2026-01-02T03:04:60",
                           "2026-13-01",
                           "2026-02-30",
                           "2026-00-01",
                           "2026-1-2",
                           "2026-01-02T03:04:05+24:00",
                           "2026-01-02T03:04:05+1:00",
                           "2026-01-02T03:04:05+00:60",
                           "2026-01-02T03:04:05+00:00x",
                           "2026-01-0203",
                           "2026-0102",
                           " 2026",
                           "2026T10",
                           "2026-01T10",
                           "2026-01-02T03.5",
                           "2026-01-02T03:04.5",
                           "2026-01-02T03:04:05ZZ",
                           "9999-12-31T23:59:59-00:01",
                           "0001-01-01T00:00:00+00:01",
                           "\xC2\xB2\x30\x32\x36"}) {
    EXPECT_EQ(read(text), "refused") << text;
  }
}

TEST(Timestamp, IsReadWholeOrNotAtAllWhereverItIsCut) {
  const std::string text = "2026-11-23T00:36:42.364875+00:00";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto time = parse_iso8601(text.substr(0, length));
    if (time) {
      EXPECT_EQ(parse_iso8601(to_iso8601(*time)), time) << length;
    }
  }
}

TEST(Timestamp, WritesAsPythonIsoformat) {
  using namespace std::chrono_literals;
  EXPECT_EQ(to_iso8601(Timestamp(0us)), "1970-01-01T00:00:00+00:00");
  EXPECT_EQ(to_iso8601(Timestamp(1us)), "1970-01-01T00:00:00.000001+00:00");
  EXPECT_EQ(to_iso8601(Timestamp(-1us)), "1969-12-31T23:59:59.999999+00:00");
  EXPECT_DOUBLE_EQ(to_unix_seconds(Timestamp(1795394237313517us)), 1795394237.313517);
}

}  // namespace
}  // namespace celeriac::protocol
