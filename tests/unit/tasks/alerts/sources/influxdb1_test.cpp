#include "tasks/alerts/sources/influxdb1.h"

#include <celeriac/json.h>
#include <gtest/gtest.h>

#include "tests/unit/tasks/alerts/alarms.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;
using Repeat = SourceFailure::Repeat;

Source mon() {
  Source source;
  source.name = "mon";
  source.url = "http://influx:8086";
  source.database = "mon";
  return source;
}

std::vector<Row> rows(std::string_view body) {
  return std::get<std::vector<Row>>(read_influxql(mon(), std::string(body)));
}

SourceFailure failed(std::string_view body) {
  return std::get<SourceFailure>(read_influxql(mon(), std::string(body)));
}

TEST(InfluxQl, AsksWithAForm) {
  auto source = mon();
  const auto request = influxql_request(source, "SELECT 1");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "http://influx:8086/query");
  EXPECT_EQ(request.body, "db=mon&q=SELECT%201");
  EXPECT_EQ(find_header(request.headers, "Authorization"), nullptr);
  source.username = "u";
  source.password = "p";
  source.retention_policy = "week";
  const auto with_user = influxql_request(source, "SELECT 1");
  EXPECT_EQ(*find_header(with_user.headers, "Authorization"), "Basic dTpw");
  EXPECT_EQ(with_user.body, "db=mon&rp=week&q=SELECT%201");
}

TEST(InfluxQl, ReadsSeriesWithTagsAndEveryKindOfCell) {
  const auto read = rows(R"({"results":[{"statement_id":0,"series":[
    {"name":"disk","tags":{"host":"a"},"columns":["time","n","v","s","b","z"],
     "values":[["2026-01-02T03:04:05Z",9007199254740993,91.5,"x",true,null]]},
    {"name":"disk","tags":{"host":"b"},"columns":["time","n"],"values":[["2026-01-02T03:04:05Z",1],
      ["2026-01-02T03:05:05Z",2]]}]}]})");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].series, "disk");
  EXPECT_EQ(read[0].labels, (JsonObject{{"host", "a"}}));
  EXPECT_EQ(read[0].time, "2026-01-02T03:04:05Z");
  EXPECT_EQ(
      read[0].values,
      (JsonObject{{"n", 9007199254740993}, {"v", 91.5}, {"s", "x"}, {"b", true}, {"z", nullptr}}));
  EXPECT_EQ(read[2].values, (JsonObject{{"n", 2}}));
}

TEST(InfluxQl, NoDataIsNoFailure) {
  EXPECT_TRUE(rows(R"({"results":[{"statement_id":0}]})").empty());
  EXPECT_TRUE(rows(R"({"results":[{"statement_id":0,"series":[
    {"name":"x","columns":["time"]}]}]})")
                  .empty());
}

TEST(InfluxQl, AnErrorInsideASuccessIsAFailure) {
  const auto failure =
      failed(R"({"results":[{"statement_id":0,"error":"database not found: mon"}]})");
  EXPECT_EQ(failure.repeat, Repeat::useless);
  EXPECT_EQ(failure.text,
            "source 'mon': InfluxDB refused the query: \"database not found: mon\"; check the "
            "rule's query and the source's `database`");
}

TEST(InfluxQl, LimitsAndTimeOutsOfTheServerPass) {
  for (const auto* error : {"query-timeout limit exceeded",
                            "max-concurrent-queries limit "
                            "exceeded(1, 1)",
                            "timeout", "engine is closed", "server shutdown"}) {
    const auto body = Json::object({{"results", Json::array({Json::object({{"error", error}})})}});
    EXPECT_EQ(failed(dump_json(body)).repeat, Repeat::useful) << error;
  }
}

TEST(InfluxQl, ACutAnswerIsNoData) {
  const auto failure = failed(R"({"results":[{"series":[{"name":"x","columns":["time","v"],
    "values":[["t",1]],"partial":true}]}]})");
  EXPECT_EQ(failure.repeat, Repeat::useless);
  EXPECT_NE(failure.text.find("max-row-limit"), std::string::npos);
}

TEST(InfluxQl, WhatCannotBeReadIsAskedAgain) {
  for (const auto* body :
       {"", "<html>", "{\"results\":[{\"ser", "[]", "{}", R"({"results":[{"series":[{}]}]})",
        R"({"results":[{"series":[{"columns":["a","b"],"values":[[1]]}]}]})"}) {
    EXPECT_EQ(failed(body).repeat, Repeat::useful) << body;
  }
}

TEST(InfluxQl, ATruncatedAnswerNeverReadsAsRows) {
  const std::string body =
      R"({"results":[{"series":[{"name":"x","columns":["time","v"],"values":[["t",1],["u",2]]}]}]})";
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<SourceFailure>(read_influxql(mon(), body.substr(0, size))))
        << size;
  }
}

TEST(InfluxQl, FindsASecondStatement) {
  EXPECT_TRUE(has_several_statements("SELECT 1; SELECT 2"));
  EXPECT_FALSE(has_several_statements("SELECT 1;\n"));
  EXPECT_FALSE(has_several_statements("SELECT ';x' FROM \"a;b\" WHERE c = 'it\\'s; ok'"));
}

TEST(QueryStatus, ClassifiesEveryStatus) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) {
    const auto failure = judge_query_status(mon(), reply(status, "{}"), Time{});
    ASSERT_TRUE(failure) << status;
    EXPECT_EQ(failure->repeat, Repeat::useful) << status;
  }
  for (const int status : {400, 401, 403, 404, 405, 413, 422}) {
    const auto failure = judge_query_status(mon(), reply(status, R"({"error":"bad"})"), Time{});
    ASSERT_TRUE(failure) << status;
    EXPECT_EQ(failure->repeat, Repeat::useless) << status;
    EXPECT_NE(failure->text.find("\"bad\"; "), std::string::npos) << failure->text;
  }
  EXPECT_FALSE(judge_query_status(mon(), reply(200, ""), Time{}));
  EXPECT_EQ(judge_query_status(mon(), reply(429, "", {{"Retry-After", "3"}}), Time{})->after, 3s);
}

TEST(QueryStatus, NamesTheRemedyForBadCredentials) {
  EXPECT_EQ(
      judge_query_status(mon(), reply(401, R"({"error":"authorization failed"})"), Time{})->text,
      "source 'mon': InfluxDB answered HTTP 401, \"authorization failed\"; check the "
      "source's user, password or token");
}

TEST(ReadAnswer, RefusesMoreRowsThanATaskCanCarry) {
  std::string values;
  for (int i = 0; i < 10'001; ++i) values += (i > 0 ? ",[" : "[") + std::to_string(i) + "]";
  const auto result = read_answer(
      mon(),
      reply(200, R"({"results":[{"series":[{"columns":["v"],"values":[)" + values + "]}]}]}"),
      Time{});
  EXPECT_NE(std::get<SourceFailure>(result).text.find("10001 rows, more than 10000"),
            std::string::npos);
}

}  // namespace
}  // namespace celeriac::alerts
