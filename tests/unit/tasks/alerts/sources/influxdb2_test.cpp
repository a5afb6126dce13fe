#include "tasks/alerts/sources/influxdb2.h"

#include <celeriac/json.h>
#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

using Repeat = SourceFailure::Repeat;

Source two() {
  Source source;
  source.name = "two";
  source.kind = Source::Kind::influxdb2;
  source.url = "http://influx:8086";
  source.org = "my plant";
  source.token = "t0ken";
  return source;
}

// With the line ends that the server writes.
std::string crlf(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return result;
}

std::vector<Row> rows(std::string_view text) {
  auto result = read_flux(two(), crlf(text));
  if (const auto* failure = std::get_if<SourceFailure>(&result)) {
    ADD_FAILURE() << failure->text;
    return {};
  }
  return std::get<std::vector<Row>>(result);
}

SourceFailure failed(std::string_view text) {
  return std::get<SourceFailure>(read_flux(two(), crlf(text)));
}

constexpr std::string_view kTwoTables =
    "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,double,string,string\n"
    "#group,false,false,true,true,false,true,true\n"
    "#default,_result,,,,,,\n"
    ",result,table,_start,_stop,_value,_measurement,host\n"
    ",,0,2026-01-02T03:00:00Z,2026-01-02T03:05:00Z,91.5,disk,a\n"
    ",,1,2026-01-02T03:00:00Z,2026-01-02T03:05:00Z,12,disk,b\n"
    "\n";

TEST(Flux, AsksForAnnotatedCsv) {
  const auto request = flux_request(two(), "from(bucket:\"mon\")");
  EXPECT_EQ(request.url, "http://influx:8086/api/v2/query?org=my%20plant");
  EXPECT_EQ(*find_header(request.headers, "Authorization"), "Token t0ken");
  const auto body = parse_json(request.body);
  EXPECT_EQ(body["query"], Json("from(bucket:\"mon\")"));
  EXPECT_EQ(body["type"], Json("flux"));
  EXPECT_EQ(body["dialect"], parse_json("{\"annotations\":[\"datatype\",\"group\",\"default\"],"
                                        "\"header\":true,\"delimiter\":\",\"}"));
}

TEST(Flux, LabelsAreTheGroupKeyWithoutTheRange) {
  const auto read = rows(kTwoTables);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].series, "disk");
  EXPECT_EQ(read[0].labels, (JsonObject{{"_measurement", "disk"}, {"host", "a"}}));
  EXPECT_EQ(read[0].values, (JsonObject{{"_start", "2026-01-02T03:00:00Z"},
                                        {"_stop", "2026-01-02T03:05:00Z"},
                                        {"_value", 91.5}}));
  EXPECT_EQ(read[1].field("host"), Json("b"));
  EXPECT_EQ(*read[1].field("_value"), Json(12.0));
}

TEST(Flux, EveryTypeStaysItself) {
  const auto read = rows(
      "#datatype,string,long,dateTime:RFC3339,long,unsignedLong,double,boolean,string,duration\n"
      "#group,false,false,false,false,false,false,false,false,false\n"
      "#default,_result,,,,,,,,\n"
      ",result,table,_time,l,u,d,b,s,age\n"
      ",,0,2026-01-02T03:04:05.5Z,-9007199254740993,18446744073709551615,1.5,true,\"a,\"\"b\","
      "5m\n"
      ",,0,,,,,,,\n"
      "\n");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].time, "2026-01-02T03:04:05.5Z");
  EXPECT_EQ(*read[0].field("l"), Json(-9007199254740993));
  EXPECT_EQ(dump_json(*read[0].field("u")), "18446744073709551615");
  EXPECT_EQ(*read[0].field("d"), Json(1.5));
  EXPECT_EQ(*read[0].field("b"), Json(true));
  EXPECT_EQ(*read[0].field("s"), Json("a,\"b"));
  for (const auto* name : {"_time", "l", "u", "d", "b", "s"}) {
    EXPECT_EQ(read[1].field(name), Json()) << name;
  }
  EXPECT_FALSE(read[1].time);
}

TEST(Flux, NumbersMayBeInfiniteOrNone) {
  const auto read = rows(
      "#datatype,string,long,double\n#group,false,false,false\n"
      "#default,_result,,\n,result,table,v\n,,0,NaN\n,,0,+Inf\n,,0,-Inf\n");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_NE(*read[0].field("v"), *read[0].field("v"));
  EXPECT_EQ(read[1].field("v")->as_double(), std::numeric_limits<double>::infinity());
}

TEST(Flux, ASecondSchemaStartsAfterABlankLine) {
  const auto read = rows(std::string(kTwoTables) +
                         "#datatype,string,long,string,boolean\n#group,false,false,true,false\n"
                         "#default,late,,,\n,result,table,room,open\n,,0,lab,true\n\n");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[2].labels, (JsonObject{{"room", "lab"}}));
  EXPECT_EQ(read[2].values, (JsonObject{{"result", "late"}, {"open", true}}));
}

TEST(Flux, DefaultsFillEmptyCells) {
  const auto read = rows(
      "#datatype,string,long,string,double\n#group,false,false,true,false\n"
      "#default,_result,0,a,7\n,result,table,host,v\n,,,,\n,,,b,1\n");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].field("host"), Json("a"));
  EXPECT_EQ(read[0].field("v"), Json(7.0));
  EXPECT_EQ(read[1].field("host"), Json("b"));
}

TEST(Flux, NoTableAndAnEmptyTableAreNoData) {
  EXPECT_TRUE(rows("\n").empty());
  EXPECT_TRUE(rows("").empty());
  EXPECT_TRUE(rows("#datatype,string,long,string,double\n#group,false,false,true,false\n"
                   "#default,_result,0,a,\n,result,table,host,v\n\n")
                  .empty());
}

TEST(Flux, AnErrorTableFailsTheWholeQuery) {
  for (const auto* annotations : {"", "#datatype,string,string\n#group,true,true\n#default,,\n"}) {
    const auto failure = failed(std::string(kTwoTables) + annotations +
                                ",error,reference\n,\"runtime error, no bucket\",897\n");
    EXPECT_EQ(failure.repeat, Repeat::useless);
    EXPECT_NE(failure.text.find("runtime error, no bucket"), std::string::npos) << failure.text;
  }
  EXPECT_EQ(failed("\n,error,reference\n,query timeout,\n").repeat, Repeat::useful);
  EXPECT_EQ(failed(",error,reference\n").repeat, Repeat::useful);
}

TEST(Flux, WhatIsNoAnnotatedCsvIsAskedAgain) {
  for (const auto* text : {"<html>\n", "a,b\n1,2\n", ",result,table,v\n,,0,1\n",
                           "#datatype,string,long,double\n,result,table\n",
                           "#datatype,string,long,double\n,result,table,v\n,,0\n",
                           "#datatype,string,long,double\n,result,table,v\n,,0,many\n",
                           "#datatype,string,long,long\n,result,table,v\n,,0,1.5\n",
                           "#datatype,string,long,boolean\n,result,table,v\n,,0,yes\n",
                           "#datatype,string,long,string\n,result,table,v\n,,0,\"open\n"}) {
    const auto failure = failed(text);
    EXPECT_EQ(failure.repeat, Repeat::useful) << text;
    EXPECT_NE(failure.text.find("line "), std::string::npos) << failure.text;
  }
}

TEST(Flux, AnAnswerCutInTheMiddleOfALineIsAskedAgain) {
  const auto whole = crlf(kTwoTables);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto result = read_flux(two(), whole.substr(0, size));
    if (whole[size - 1] == '\n') continue;
    ASSERT_TRUE(std::holds_alternative<SourceFailure>(result)) << size;
    EXPECT_EQ(std::get<SourceFailure>(result).repeat, Repeat::useful);
  }
}

}  // namespace
}  // namespace celeriac::alerts
