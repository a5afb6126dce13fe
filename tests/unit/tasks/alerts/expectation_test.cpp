#include "tasks/alerts/expectation.h"

#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

const Time kNow = *parse_time("2026-01-02T03:10:00Z");

Row row(std::string host, Json value) {
  Row row;
  row.labels.set("host", std::move(host));
  row.time = "2026-01-02T03:04:00Z";
  row.values.set("usage", std::move(value));
  return row;
}

// Each verdict as "state: reason", or the mistake.
std::vector<std::string> judged(const Expectation& expectation, std::vector<Row> rows,
                                NoData no_data = NoData::ok) {
  const auto result = judge(expectation, no_data, rows, kNow);
  if (const auto* mistake = std::get_if<Mistake>(&result)) return {"mistake: " + mistake->text};
  std::vector<std::string> texts;
  for (const auto& verdict : std::get<Judgement>(result).verdicts) {
    static const char* const kStates[] = {"normal: ", "holding: ", "broken: "};
    texts.push_back(kStates[static_cast<int>(verdict.state)] + verdict.reason);
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Expectation, CompareStatesWhatIsNormal) {
  const Compare below{"usage", Operator::less, 90};
  EXPECT_EQ(judged(below, {row("a", 95.5), row("b", 89), row("c", 90)}),
            (Texts{"broken: usage is 95.5, expected < 90", "normal: usage is 89, expected < 90",
                   "broken: usage is 90, expected < 90"}));
}

TEST(Expectation, EveryOperatorHoldsWhenItSaysSo) {
  const std::vector<std::pair<Operator, std::string>> cases = {
      {Operator::less, "100"},    {Operator::less_equal, "110"},
      {Operator::greater, "001"}, {Operator::greater_equal, "011"},
      {Operator::equal, "010"},   {Operator::not_equal, "101"}};
  for (const auto& [op, expected] : cases) {
    std::string holds;
    for (const int value : {1, 2, 3}) {
      const auto result = judged(Compare{"usage", op, 2}, {row("a", value)});
      holds += result.front().starts_with("normal") ? '1' : '0';
    }
    EXPECT_EQ(holds, expected) << to_text(op);
  }
}

TEST(Expectation, ARowBetweenThresholdAndRecoveryHolds) {
  const Compare below{"usage", Operator::less, 90, 85.0};
  EXPECT_EQ(judged(below, {row("a", 95), row("b", 87), row("c", 84)}),
            (Texts{"broken: usage is 95, expected < 90", "holding: usage is 87, recovered at < 85",
                   "normal: usage is 84, expected < 90"}));
}

TEST(Expectation, RangeIncludesItsBounds) {
  const Range range{"usage", 10, 20};
  EXPECT_EQ(judged(range, {row("a", 10), row("a", 20), row("a", 9.9), row("a", 20.1)}),
            (Texts{"normal: usage is 10, expected within 10 to 20",
                   "normal: usage is 20, expected within 10 to 20",
                   "broken: usage is 9.9, expected within 10 to 20",
                   "broken: usage is 20.1, expected within 10 to 20"}));
}

TEST(Expectation, RangeMayBeOpenAtOneEndOrTurnedInsideOut) {
  EXPECT_EQ(judged(Range{"usage", 10, std::nullopt}, {row("a", 9)}),
            Texts{"broken: usage is 9, expected at least 10"});
  EXPECT_EQ(judged(Range{"usage", std::nullopt, 20}, {row("a", 21)}),
            Texts{"broken: usage is 21, expected at most 20"});
  const Range outside{"usage", 10, 20, Range::Normal::outside};
  EXPECT_EQ(judged(outside, {row("a", 15), row("a", 21)}),
            (Texts{"broken: usage is 15, expected outside 10 to 20",
                   "normal: usage is 21, expected outside 10 to 20"}));
}

TEST(Expectation, NotANumberIsNeverInRange) {
  const auto nan = Json(std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(judged(Range{"usage", 10, 20}, {row("a", nan)}).front().starts_with("broken"));
  EXPECT_TRUE(
      judged(Compare{"usage", Operator::less, 90}, {row("a", nan)}).front().starts_with("broken"));
}

TEST(Expectation, EqualsTakesTextsBooleansAndNumbers) {
  EXPECT_EQ(judged(Equals{"usage", {"up", "idle"}}, {row("a", "up"), row("b", "down")}),
            (Texts{"normal: usage is up, expected up or idle",
                   "broken: usage is down, expected up or idle"}));
  EXPECT_EQ(judged(Equals{"usage", {true}}, {row("a", false)}),
            Texts{"broken: usage is false, expected true"});
  EXPECT_EQ(judged(Equals{"usage", {1}}, {row("a", 1.0)}),
            Texts{"normal: usage is 1.0, expected 1"});
  EXPECT_TRUE(judged(Equals{"usage", {1}}, {row("a", "1")}).front().starts_with("broken"));
}

TEST(Expectation, EqualsTellsLargeIntegersApart) {
  const auto texts = judged(Equals{"usage", {9007199254740992}}, {row("a", 9007199254740993)});
  EXPECT_TRUE(texts.front().starts_with("broken")) << texts.front();
}

TEST(Expectation, CountJudgesTheRunAsAWhole) {
  const Count count{Operator::greater_equal, 2};
  EXPECT_EQ(judged(count, {row("a", 1)}),
            Texts{"broken: the query returned 1 rows, expected >= 2"});
  EXPECT_EQ(judged(count, {row("a", 1), row("b", 1)}),
            Texts{"normal: the query returned 2 rows, expected >= 2"});
  EXPECT_EQ(judged(count, {}), Texts{"broken: the query returned 0 rows, expected >= 2"});
}

TEST(Expectation, DeadmanAlarmsWhenNothingCame) {
  EXPECT_EQ(judged(Deadman{}, {}), Texts{"broken: the query returned no data"});
  EXPECT_EQ(judged(Deadman{}, {row("a", 1)}), Texts{"normal: seen"});
}

TEST(Expectation, DeadmanMissesTheGroupsItKnows) {
  Deadman deadman;
  deadman.groups = {JsonObject{{"host", "a"}}, JsonObject{{"host", "b"}}};
  EXPECT_EQ(judged(deadman, {row("a", 1)}), (Texts{"broken: sent no data", "normal: seen"}));
}

TEST(Expectation, DeadmanMeasuresAge) {
  EXPECT_EQ(judged(Deadman{5min}, {row("a", 1)}),
            Texts{"broken: last seen 2026-01-02T03:04:00Z, more than 5m ago"});
  EXPECT_EQ(judged(Deadman{6min}, {row("a", 1)}), Texts{"normal: last seen 2026-01-02T03:04:00Z"});
  Row without_time = row("a", 1);
  without_time.time.reset();
  EXPECT_EQ(
      judged(Deadman{5min}, {without_time}),
      Texts{"mistake: `deadman` with `max_age` needs a time column; the row has host, usage"});
}

TEST(Expectation, NoDataIsWhatTheRuleSays) {
  const Compare below{"usage", Operator::less, 90};
  EXPECT_EQ(judged(below, {}, NoData::ok), Texts{});
  EXPECT_EQ(judged(below, {}, NoData::alert), Texts{"broken: the query returned no data"});
  EXPECT_EQ(judged(below, {row("a", nullptr)}, NoData::ok), Texts{"normal: usage has no value"});
  EXPECT_EQ(judged(below, {row("a", nullptr)}, NoData::alert), Texts{"broken: usage has no value"});
}

TEST(Expectation, AColumnThatNoRowHasIsAMistakeOfTheRule) {
  EXPECT_EQ(judged(Compare{"used", Operator::less, 90}, {row("a", 1)}),
            Texts{"mistake: no row has the column \"used\" of `expect`; the first row has host, "
                  "usage, time"});
}

TEST(Expectation, ATextIsNoNumberToCompare) {
  EXPECT_EQ(judged(Compare{"usage", Operator::less, 90}, {row("a", "many")}),
            Texts{"mistake: column \"usage\" is 'many', not a number; use `equals` for texts and "
                  "booleans"});
}

}  // namespace
}  // namespace celeriac::alerts
