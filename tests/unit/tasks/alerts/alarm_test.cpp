#include "tasks/alerts/alarm.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

Row row() {
  Row row;
  row.series = "cpu";
  row.labels = {{"host", "a"}};
  row.time = "2026-01-02T03:04:05Z";
  row.values = {{"usage", 91.5}, {"gone", nullptr}, {"count", 9007199254740993}};
  return row;
}

Rule rule_with_key(std::string_view key) {
  Rule rule;
  rule.name = "load";
  rule.key = std::get<Template>(Template::parse(key));
  return rule;
}

TEST(Row, SurvivesTheWayThroughJson) {
  EXPECT_EQ(row_from_json(parse_json(dump_json(to_json(row())))), row());
}

TEST(Row, AFlatObjectIsARowOfColumns) {
  const auto read = row_from_json(Json::object({{"host", "a"}, {"time", "now"}, {"usage", 3}}));
  EXPECT_EQ(read.field("host"), Json("a"));
  EXPECT_EQ(read.field("usage"), Json(3));
  EXPECT_EQ(read.time, "now");
  EXPECT_THROW(row_from_json(Json(3)), ArgumentError);
}

TEST(Alarm, KeyComesFromLabelsColumnsAndTheMeasurement) {
  EXPECT_EQ(std::get<std::string>(alarm_key(rule_with_key("{host}:{name}"), row())), "a:cpu");
  EXPECT_EQ(std::get<std::string>(alarm_key(rule_with_key("{rule}/{usage}"), row())), "load/91.5");
}

TEST(Alarm, NameOfARowWithoutMeasurementIsItsOwnOrTheRules) {
  Row unnamed = row();
  unnamed.series.clear();
  EXPECT_EQ(std::get<std::string>(alarm_key(rule_with_key("{host}:{name}"), unnamed)), "a:load");
  unnamed.values.set("name", "fan");
  EXPECT_EQ(std::get<std::string>(alarm_key(rule_with_key("{host}:{name}"), unnamed)), "a:fan");
}

TEST(Alarm, WithoutAKeyTheLabelsTellAlarmsApart) {
  Row two = row();
  two.labels.set("path", "/");
  EXPECT_EQ(std::get<std::string>(alarm_key(rule_with_key(""), two)), "a:/");
  EXPECT_EQ(std::get<std::string>(alarm_key(rule_with_key(""), Row())), "load");
}

TEST(Alarm, AFieldThatTheRowLacksIsAMistake) {
  EXPECT_EQ(std::get<Mistake>(alarm_key(rule_with_key("{zone}"), row())).text,
            "`key` names {zone}, but the row has host, usage, gone, count, time");
}

TEST(Fetched, ReadsBothFormsOfCachesArguments) {
  const auto rows = Json::array({to_json(row())});
  const auto whole = Json::object({{"rule", "load"}, {"rows", rows}});
  for (const auto& fetched : {fetched_from_json("load", rows), fetched_from_json(whole, Json()),
                              fetched_from_json("load", whole)}) {
    ASSERT_EQ(fetched.results.size(), 1u);
    EXPECT_EQ(fetched.results[0].rule, "load");
    EXPECT_EQ(fetched.results[0].rows, std::vector<Row>{row()});
    EXPECT_FALSE(fetched.task);
    EXPECT_EQ(to_json(fetched), whole);
  }
}

TEST(Fetched, ABoundTaskCarriesSeveralRules) {
  Fetched fetched;
  fetched.task = "MAINTASK";
  fetched.results = {{"cpu", {row()}}, {"disk", {}}};
  const auto read = fetched_from_json(to_json(fetched), Json());
  EXPECT_EQ(read.task, "MAINTASK");
  ASSERT_EQ(read.results.size(), 2u);
  EXPECT_EQ(read.results[1].rule, "disk");
}

TEST(Fetched, RefusesOtherShapesWithATextThatSaysWhich) {
  EXPECT_THROW(fetched_from_json("load", Json(3)), ArgumentError);
  EXPECT_THROW(fetched_from_json(Json::object({{"rows", Json::array()}}), Json()), ArgumentError);
  EXPECT_THROW(fetched_from_json(Json(), Json()), ArgumentError);
}

Alarm alarm() {
  Alarm alarm;
  alarm.rule = "load";
  alarm.key = "a:cpu";
  alarm.severity = Severity::critical;
  alarm.reason = "too much";
  alarm.row = row();
  alarm.channels = {"ops"};
  return alarm;
}

TEST(Claimed, ReadsEveryFormOfSendalertsArguments) {
  Claimed claimed;
  claimed.rule = "load";
  claimed.token = "t";
  claimed.alarms = {alarm()};
  const auto whole = to_json(claimed);
  for (const auto& read : {claimed_from_json(whole, Json()), claimed_from_json("load", whole)}) {
    EXPECT_EQ(read.rule, "load");
    EXPECT_EQ(read.token, "t");
    EXPECT_EQ(read.alarms, std::vector<Alarm>{alarm()});
  }
  const auto by_hand = claimed_from_json("load", Json::array({Json::object({{"key", "k"}})}));
  EXPECT_EQ(by_hand.token, "");
  EXPECT_EQ(by_hand.alarms.front().rule, "load");
  EXPECT_THROW(claimed_from_json("load", Json::array({Json::object({})})), ArgumentError);
  EXPECT_THROW(claimed_from_json("load", Json("x")), ArgumentError);
}

TEST(Claimed, ARetryKeepsWhatIsLeft) {
  Claimed claimed;
  claimed.task = "MAINTASK";
  claimed.token = "t";
  claimed.tries = 3;
  claimed.failures = {"chat said no"};
  claimed.alarms = {alarm()};
  claimed.alarms[0].told = {"chat"};
  const auto read = claimed_from_json(parse_json(dump_json(to_json(claimed))), Json());
  EXPECT_EQ(read.tries, 3);
  EXPECT_EQ(read.failures, claimed.failures);
  EXPECT_EQ(read.alarms, claimed.alarms);
  EXPECT_EQ(read.run(), "MAINTASK");
}

}  // namespace
}  // namespace celeriac::alerts
