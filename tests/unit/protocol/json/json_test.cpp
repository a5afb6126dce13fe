#include <celeriac/error.h>
#include <celeriac/json.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace celeriac {
namespace {

std::string round_trip(std::string_view text) {
  return dump_json(parse_json(text));
}

// The text of the refusal, or "" if the document is accepted.
std::string refusal(std::string_view text, JsonLimits limits = {}) {
  try {
    parse_json(text, limits);
  } catch (const MessageError& error) {
    EXPECT_EQ(error.kind(), MessageError::Kind::undecodable);
    return error.what();
  }
  return "";
}

TEST(Json, WritesAsPythonDoes) {
  EXPECT_EQ(round_trip(R"([1,"a",null,true,false,{"k":[],"m":{}}])"),
            R"([1, "a", null, true, false, {"k": [], "m": {}}])");
}

TEST(Json, KeepsIntegersOfAnySize) {
  EXPECT_EQ(round_trip("[9223372036854775807, -9223372036854775808, 9223372036854775808]"),
            "[9223372036854775807, -9223372036854775808, 9223372036854775808]");
  EXPECT_EQ(round_trip("-123456789012345678901234567890"), "-123456789012345678901234567890");
  EXPECT_TRUE(parse_json("9223372036854775808").is_integer());
  EXPECT_EQ(parse_json("9223372036854775808").as_int(), std::nullopt);
  EXPECT_DOUBLE_EQ(*parse_json("9223372036854775808").as_double(), 9223372036854775808.0);
}

TEST(Json, RefusesANumberThatRapidJsonCannotJudge) {
  EXPECT_EQ(round_trip(std::string(308, '7')), std::string(308, '7'));
  EXPECT_NE(refusal(std::string(4301, '7')).find("Number too big"), std::string::npos);
  EXPECT_NE(refusal("1e400").find("Number too big"), std::string::npos);
}

TEST(Json, WritesFloatsAsPythonRepr) {
  const std::pair<double, const char*> cases[] = {
      {1.0, "1.0"},
      {-0.0, "-0.0"},
      {0.1, "0.1"},
      {1.5, "1.5"},
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {123456789012345680.0, "1.2345678901234568e+17"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {1795394237.3135173, "1795394237.3135173"},
      {123.456, "123.456"},
      {1e-4 * 1.25, "0.000125"},
      {100.0, "100.0"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(dump_json(value), text);
}

TEST(Json, ReadsNumbersBeyondDoubleAsPythonDoes) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(parse_json("9e308").as_double(), infinity);
  EXPECT_EQ(parse_json("-9e308").as_double(), -infinity);
  EXPECT_EQ(parse_json("99.9e307").as_double(), infinity);
  EXPECT_EQ(parse_json("1e-999").as_double(), 0.0);
  EXPECT_EQ(parse_json("0.001e-99999999999999999999").as_double(), 0.0);
}

TEST(Json, ReadsAndWritesNanAndInfinity) {
  EXPECT_EQ(round_trip("[NaN, Infinity, -Infinity]"), "[NaN, Infinity, -Infinity]");
  EXPECT_TRUE(std::isnan(*parse_json("NaN").as_double()));
}

TEST(Json, EscapesWhatIsNotAscii) {
  EXPECT_EQ(round_trip("\"é €\xF0\x9F\x98\x80\""), R"("\u00e9 \u20ac\ud83d\ude00")");
  EXPECT_EQ(round_trip(R"("\"\\\/\b\f\n\r\t\u0001\u007f")"),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\"");
  EXPECT_EQ(*parse_json(R"("\ud83d\ude00")").as_string(), "\xF0\x9F\x98\x80");
}

TEST(Json, PassesOnThePythonTextOfAFileNameThatIsNotUtf8) {
  EXPECT_EQ(round_trip(R"("caf\udce9.txt")"), R"("caf\udce9.txt")");
}

TEST(Json, RefusesInvalidUtf8) {
  EXPECT_EQ(refusal("\"ab\xFF\""), "not JSON, at byte 3: invalid UTF-8");
  EXPECT_NE(refusal("\"\xC0\x80\""), "");          // overlong
  EXPECT_NE(refusal("\"\xED\xA0\x80\""), "");      // surrogate
  EXPECT_NE(refusal("\"\xF4\x90\x80\x80\""), "");  // above U+10FFFF
  EXPECT_NE(refusal("\"\xE2\x82"), "");            // cut
  EXPECT_THROW(dump_json("\xFF"), EncodeError);
  EXPECT_THROW(dump_json(Json::object({{"\xE2\x82", 1}})), EncodeError);
}

TEST(Json, KeepsMembersInOrderAndTheLastOfEqualKeys) {
  EXPECT_EQ(round_trip(R"({"b": 1, "a": 2, "b": 3})"), R"({"b": 3, "a": 2})");
}

TEST(Json, FindsDuplicatesInALargeObject) {
  std::string text = "{";
  for (int i = 0; i < 100; ++i)
    text += "\"k" + std::to_string(i % 50) + "\": " + std::to_string(i) + ", ";
  text += "\"last\": 0}";
  const Json json = parse_json(text);
  EXPECT_EQ(json.as_object()->size(), 51U);
  EXPECT_EQ(json["k7"].as_int(), 57);
}

TEST(Json, RefusesNestingWithoutEnd) {
  EXPECT_EQ(refusal(std::string(512, '[') + std::string(512, ']')), "");
  EXPECT_NE(refusal(std::string(513, '[') + std::string(513, ']')).find("deeper than 512"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(1000000, '[')).find("deeper than 512"), std::string::npos);
  EXPECT_NE(refusal("[[1]]", {.max_depth = 1}), "");
}

TEST(Json, RefusesWhatIsNotOneDocument) {
  using namespace std::string_view_literals;
  for (std::string_view text :
       {""sv, " "sv, "{"sv, "[1,]"sv, "{\"a\":}"sv, "{} {}"sv, "1 2"sv, "{}\0x"sv, "{}\0"sv,
        "nul"sv, "'a'"sv, "01"sv, "1."sv, "+1"sv, "\"a"sv, "{1: 2}"sv, "\xEF\xBB\xBF{}"sv}) {
    EXPECT_NE(refusal(text), "") << text;
  }
}

TEST(Json, RefusesEveryTruncationOfADocument) {
  const std::string text = R"({"a": [1.5e3, "x\u00e9é", {"b": null}], "c": true})";
  EXPECT_EQ(refusal(text), "");
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_NE(refusal(text.substr(0, length)), "") << length;
  }
}

TEST(Json, ReadsTruthAsPythonDoes) {
  for (const char* text : {"null", "false", "0", "0.0", "\"\"", "[]", "{}"}) {
    EXPECT_FALSE(parse_json(text).truthy()) << text;
  }
  for (const char* text :
       {"true", "1", "0.5", "\"0\"", "[0]", "{\"a\": 0}", "99999999999999999999"}) {
    EXPECT_TRUE(parse_json(text).truthy()) << text;
  }
}

TEST(Json, ComparesObjectsInAnyOrder) {
  EXPECT_EQ(parse_json(R"({"a": 1, "b": [2]})"), parse_json(R"({"b": [2], "a": 1})"));
  EXPECT_NE(parse_json(R"({"a": 1})"), parse_json(R"({"a": 1, "b": null})"));
}

TEST(Json, ReadsMissingMembersAsNull) {
  const Json json = parse_json(R"({"a": {"b": 1}})");
  EXPECT_EQ(json["a"]["b"].as_int(), 1);
  EXPECT_TRUE(json["x"]["y"].is_null());
  EXPECT_EQ(json.find("x"), nullptr);
}

TEST(JsonObject, AppendsReplacesAndErases) {
  JsonObject object{{"a", 1}};
  object["b"] = 2;
  object.set("a", "x");
  EXPECT_EQ(dump_json(object), R"({"a": "x", "b": 2})");
  EXPECT_TRUE(object.erase("a"));
  EXPECT_FALSE(object.erase("a"));
  EXPECT_EQ(object.size(), 1U);
}

}  // namespace
}  // namespace celeriac
