#include "tasks/alerts/sources/influxdb3.h"

#include <celeriac/json.h>
#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

using Repeat = SourceFailure::Repeat;

Source three() {
  Source source;
  source.name = "three";
  source.kind = Source::Kind::influxdb3;
  source.url = "http://influx:8181";
  source.database = "mon";
  source.token = "t0ken";
  return source;
}

TEST(Sql, AsksForJson) {
  const auto request = sql_request(three(), "SELECT 1");
  EXPECT_EQ(request.url, "http://influx:8181/api/v3/query_sql");
  EXPECT_EQ(*find_header(request.headers, "Authorization"), "Bearer t0ken");
  EXPECT_EQ(parse_json(request.body), parse_json(R"({"db":"mon","q":"SELECT 1","format":"json"})"));
}

TEST(Sql, ReadsRowObjects) {
  const auto result =
      read_sql(three(), R"([{"time":"2026-01-02T03:04:05","host":"a","v":91.5},{"host":"b"}])");
  const auto& rows = std::get<std::vector<Row>>(result);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].time, "2026-01-02T03:04:05");
  EXPECT_EQ(rows[0].values, (JsonObject{{"host", "a"}, {"v", 91.5}}));
  EXPECT_FALSE(rows[1].field("v"));
}

TEST(Sql, NoDataIsAnEmptyListOrAnEmptyBody) {
  EXPECT_TRUE(std::get<std::vector<Row>>(read_sql(three(), "[]")).empty());
  EXPECT_TRUE(std::get<std::vector<Row>>(read_sql(three(), " \n")).empty());
}

TEST(Sql, WhatIsNoListOfRowsIsAFailure) {
  for (const auto* body : {"[{\"a\":1},", "nothing", "[1]", "{}"}) {
    const auto failure = std::get<SourceFailure>(read_sql(three(), body));
    EXPECT_EQ(failure.repeat, Repeat::useful) << body;
  }
  EXPECT_EQ(std::get<SourceFailure>(read_sql(three(), R"({"error":"no such table"})")).repeat,
            Repeat::useless);
}

}  // namespace
}  // namespace celeriac::alerts
