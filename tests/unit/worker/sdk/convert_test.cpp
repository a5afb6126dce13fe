#include <celeriac/convert.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace celeriac {
namespace {

struct Point {
  int x = 0, y = 0;
  bool operator==(const Point&) const = default;
};
void from_json(const Json& json, Point& point) {
  const Json::Array* pair = json.as_array();
  if (!pair || pair->size() != 2) throw ArgumentError("a point is [x, y]");
  point.x = from_json_value<int>((*pair)[0]);
  point.y = from_json_value<int>((*pair)[1]);
}
Json to_json(const Point& point) {
  return Json::array({point.x, point.y});
}

template <class T>
std::string refusal(const Json& json) {
  try {
    JsonType<T>::read(json, Place("add", "x"));
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "accepted";
}

template <class T>
void expect_round_trip(const T& value) {
  EXPECT_EQ(from_json_value<T>(to_json_value(value)), value);
}

TEST(Convert, ReadsBackWhatItWrites) {
  expect_round_trip(true);
  expect_round_trip<std::int8_t>(-128);
  expect_round_trip(INT64_MIN);
  expect_round_trip(UINT64_MAX);
  expect_round_trip(0.1);
  expect_round_trip(std::string("grün"));
  expect_round_trip(std::optional<int>());
  expect_round_trip(std::optional<int>(3));
  expect_round_trip(std::vector<std::vector<int>>{{1}, {}, {2, 3}});
  expect_round_trip(std::map<std::string, double>{{"a", 1.5}});
  expect_round_trip(std::chrono::milliseconds(1500));
  expect_round_trip(std::chrono::sys_time<std::chrono::microseconds>(std::chrono::hours(7)));
  expect_round_trip(Point{1, 2});
  expect_round_trip(std::vector<Point>{{1, 2}, {3, 4}});
}

TEST(Convert, ReadsBackContainersAndAlternatives) {
  expect_round_trip(std::pair<int, std::string>{1, "a"});
  expect_round_trip(std::tuple<bool, std::vector<int>, std::optional<double>>{true, {1}, 0.5});
  expect_round_trip(std::tuple<>());
  expect_round_trip(std::set<int>{1, 2});
  expect_round_trip(std::unordered_set<std::string>{"a", "b"});
  expect_round_trip(std::array<int, 3>{1, 2, 3});
  expect_round_trip(std::unordered_map<std::string, Point>{{"a", {1, 2}}});
  using Variant = std::variant<std::monostate, std::int64_t, double, std::string, Point>;
  for (const Variant& value :
       {Variant(), Variant(std::int64_t{3}), Variant(0.5), Variant("a"), Variant(Point{1, 2})}) {
    expect_round_trip(value);
  }
}

TEST(Convert, ReadsBackWhatKombuTypes) {
  using namespace std::chrono;
  expect_round_trip(Bytes{std::byte{0xff}, std::byte{0}});
  expect_round_trip(Bytes());
  expect_round_trip(year_month_day(February / 28 / 2026));
  expect_round_trip(Decimal{"-1E+3"});
  expect_round_trip(Uuid{"01234567-89ab-cdef-0123-456789abcdef"});
  const hh_mm_ss<microseconds> time(hours(23) + microseconds(1));
  const auto again = from_json_value<hh_mm_ss<microseconds>>(to_json_value(time));
  EXPECT_EQ(again.to_duration(), time.to_duration());
}

TEST(Convert, TakesTheFirstAlternativeThatFits) {
  EXPECT_EQ((from_json_value<std::variant<double, int>>(Json(1)).index()), 0u);
  EXPECT_EQ((from_json_value<std::variant<int, double>>(Json(1)).index()), 0u);
  EXPECT_EQ((from_json_value<std::variant<int, double>>(Json(1.5)).index()), 1u);
  EXPECT_EQ((refusal<std::variant<int, std::string>>(Json())),
            "add() argument 'x' must be int | str, not None");
}

TEST(Convert, NamesWhatIsNoneOfItsKind) {
  EXPECT_EQ((refusal<std::pair<int, int>>(Json::array({1}))),
            "add() argument 'x' has 1 items; it must have 2");
  EXPECT_EQ((refusal<std::tuple<int, std::string>>(Json::array({1, 2}))),
            "add() argument 'x[1]' must be str, not int");
  EXPECT_EQ(refusal<Bytes>(Json("text")), "add() argument 'x' must be bytes, not str");
  EXPECT_EQ(refusal<std::chrono::year_month_day>(Json("2026-02-30")),
            "add() argument 'x': no date: '2026-02-30'");
  EXPECT_EQ(refusal<Uuid>(Json(1)), "add() argument 'x' must be uuid, not int");
}

TEST(Convert, NamesTheTypeThatItWasGivenInstead) {
  EXPECT_EQ(refusal<int>(Json("1")), "add() argument 'x' must be int, not str");
  EXPECT_EQ(refusal<int>(Json(1.5)), "add() argument 'x' must be int, not float");
  EXPECT_EQ(refusal<bool>(Json(1)), "add() argument 'x' must be bool, not int");
  EXPECT_EQ(refusal<double>(Json()), "add() argument 'x' must be float, not None");
  EXPECT_EQ(refusal<std::string>(Json::array()), "add() argument 'x' must be str, not list");
  EXPECT_EQ(refusal<std::vector<int>>(Json::object()), "add() argument 'x' must be list, not dict");
}

TEST(Convert, NamesThePlaceInsideOfAContainer) {
  const Json numbers = Json::array({1, "two"});
  EXPECT_EQ(refusal<std::vector<int>>(numbers), "add() argument 'x[1]' must be int, not str");
  const Json nested = Json::object({{"a", Json::array({Json()})}});
  EXPECT_EQ((refusal<std::map<std::string, std::vector<int>>>(nested)),
            "add() argument 'x[a][0]' must be int, not None");
}

TEST(Convert, RefusesAnIntegerThatDoesNotFit) {
  EXPECT_EQ(refusal<std::int8_t>(Json(128)),
            "add() argument 'x' is 128; it must be from -128 to 127");
  EXPECT_EQ(refusal<unsigned>(Json(-1)),
            "add() argument 'x' is -1; it must be from 0 to 4294967295");
  const Json huge{BigInteger{"99999999999999999999"}};
  EXPECT_EQ(
      refusal<std::uint64_t>(huge),
      "add() argument 'x' is 99999999999999999999; it must be from 0 to 18446744073709551615");
  EXPECT_EQ(refusal<std::uint64_t>(Json(-1)),
            "add() argument 'x' is -1; it must be from 0 to 18446744073709551615");
}

TEST(Convert, TakesABoolForANumberAsPythonDoes) {
  EXPECT_EQ(from_json_value<int>(Json(true)), 1);
  EXPECT_EQ(from_json_value<double>(Json(3)), 3.0);
}

TEST(Convert, ReadsADatetimeInKombusFormAndAsText) {
  using Time = std::chrono::sys_time<std::chrono::microseconds>;
  const Time expected{std::chrono::seconds(86'400)};
  const Json typed =
      Json::object({{"__type__", "datetime"}, {"__value__", "1970-01-02T00:00:00Z"}});
  EXPECT_EQ(from_json_value<Time>(typed), expected);
  EXPECT_EQ(from_json_value<Time>(Json("1970-01-02T00:00:00")), expected);
  EXPECT_EQ(refusal<Time>(Json("soon")), "add() argument 'x': Invalid isoformat string: 'soon'");
}

TEST(Convert, PassesOnWhatAUsersTypeComplainsOf) {
  EXPECT_EQ(refusal<Point>(Json(1)), "add() argument 'x': a point is [x, y]");
}

TEST(Convert, KnowsThePythonAnnotationOfEachType) {
  EXPECT_EQ((JsonType<std::map<std::string, std::vector<std::optional<int>>>>::annotation()),
            "dict[str, list[int | None]]");
  EXPECT_EQ(JsonType<Json>::annotation(), "Any");
  EXPECT_EQ((JsonType<std::tuple<int, std::string, int>>::annotation()), "Sequence[int | str]");
  EXPECT_EQ((JsonType<std::variant<std::monostate, Decimal>>::annotation()),
            "None | decimal.Decimal");
  EXPECT_EQ(JsonType<std::set<Bytes>>::annotation(), "list[bytes]");
  EXPECT_EQ(JsonType<std::chrono::seconds>::annotation(), "float");
}

}  // namespace
}  // namespace celeriac
