#include <celeriac/error.h>
#include <celeriac/typed_json.h>
#include <gtest/gtest.h>

namespace celeriac {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

Json typed(const char* type, const char* value) {
  return typed_json(type, value);
}

TEST(TypedJson, NeedsExactlyTheTwoMembers) {
  EXPECT_TRUE(as_typed(parse_json(R"({"__type__": "x", "__value__": 1})")));
  for (const char* text :
       {R"({"__type__": "x"})", R"({"__type__": "x", "__value__": 1, "a": 2})",
        R"({"__type__": 1, "__value__": 1})", R"({"a": 1, "__value__": 1})", "[]", "\"x\""}) {
    EXPECT_FALSE(as_typed(parse_json(text))) << text;
  }
}

TEST(TypedJson, HoldsADatetime) {
  const Json json = typed("datetime", "2026-01-02T03:04:05.678901+00:00");
  const auto time = datetime_from_json(json);
  ASSERT_TRUE(time);
  EXPECT_EQ(datetime_to_json(*time), json);
  EXPECT_EQ(datetime_from_json(Json("2026-01-02T03:04:05.678901Z")), time);
  EXPECT_FALSE(datetime_from_json(typed("date", "2026-01-02")));
  EXPECT_FALSE(datetime_from_json(typed("datetime", "soon")));
  EXPECT_FALSE(datetime_from_json(Json(1)));
}

TEST(TypedJson, HoldsADate) {
  const Json json = typed("date", "2026-01-02");
  EXPECT_EQ(date_from_json(json), 2026y / January / 2);
  EXPECT_EQ(date_to_json(2026y / January / 2), json);
  EXPECT_EQ(date_from_json(Json("2026-01-02T00:00:00")), 2026y / January / 2);
}

TEST(TypedJson, HoldsATimeOfDay) {
  const Json json = typed("time", "03:04:05.000006");
  EXPECT_EQ(time_from_json(json), 3h + 4min + 5s + 6us);
  EXPECT_EQ(time_to_json(3h + 4min + 5s + 6us), json);
  EXPECT_EQ(time_to_json(3h), typed("time", "03:00:00"));
  EXPECT_FALSE(time_from_json(typed("time", "later")));
}

TEST(TypedJson, HoldsADecimal) {
  EXPECT_EQ(decimal_from_json(typed("decimal", "1.50")), "1.50");
  EXPECT_EQ(decimal_to_json("1.50"), typed("decimal", "1.50"));
}

TEST(TypedJson, HoldsAUuid) {
  const Json json = parse_json(
      R"({"__type__": "uuid", "__value__": {"hex": "12345678123456781234567812345678"}})");
  EXPECT_EQ(uuid_from_json(json), "12345678-1234-5678-1234-567812345678");
  EXPECT_EQ(uuid_to_json("12345678-1234-5678-1234-567812345678"), json);
  EXPECT_EQ(uuid_from_json(Json("ABCDEF78-1234-5678-1234-567812345678")),
            "abcdef78-1234-5678-1234-567812345678");
  EXPECT_FALSE(uuid_from_json(Json("no-uuid")));
  EXPECT_THROW(uuid_to_json("no-uuid"), EncodeError);
}

TEST(TypedJson, HoldsBytesAsTextWhereTheyAreOne) {
  EXPECT_EQ(bytes_to_json("abc"), typed("bytes", "abc"));
  EXPECT_EQ(bytes_to_json("\xFF\xFE"), typed("base64", "//4="));
  EXPECT_EQ(bytes_from_json(typed("bytes", "abc")), "abc");
  EXPECT_EQ(bytes_from_json(typed("base64", "//4=")), "\xFF\xFE");
  EXPECT_FALSE(bytes_from_json(Json("abc")));
}

TEST(TypedJson, BytesOfEveryLengthSurvive) {
  std::string bytes;
  for (int length = 0; length < 70; ++length) {
    EXPECT_EQ(bytes_from_json(bytes_to_json(bytes)), bytes) << length;
    bytes += static_cast<char>(0xF8 + length);
  }
}

TEST(TypedJson, RefusesWhatIsNotBase64) {
  for (const char* text : {"//4", "/", "//4==", "//=4", "a===", "!!!!", "//4=="}) {
    EXPECT_FALSE(bytes_from_json(typed("base64", text))) << text;
  }
}

}  // namespace
}  // namespace celeriac
