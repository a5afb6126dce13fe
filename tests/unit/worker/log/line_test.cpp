#include "worker/log/line.h"

#include <celeriac/json.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace celeriac::worker::log {
namespace {

using namespace std::chrono_literals;

class LogLine : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  Line line(std::string_view text) const {
    Line result;
    result.text = text;
    result.logger = "celery.worker.strategy";
    // 2026-11-23 00:37:15.670 UTC
    result.time = std::chrono::system_clock::time_point(1795394235670ms);
    return result;
  }
  LineOrigin origin{{"MainProcess", 77}, "host1"};
};

TEST_F(LogLine, IsCelerysInTheWorker) {
  EXPECT_EQ(celery_line(line("w1@host1 ready."), origin),
            "[2026-11-23 00:37:15,670: INFO/MainProcess] w1@host1 ready.");
}

TEST_F(LogLine, NamesTheTaskThatWroteIt) {
  Line written = line("halfway");
  written.from_task = true;
  written.task_name = "tasks.add";
  written.task_id = "abc";
  EXPECT_EQ(celery_line(written, origin),
            "[2026-11-23 00:37:15,670: INFO/MainProcess] tasks.add[abc]: halfway");
}

TEST_F(LogLine, ShowsTheProcessThatItTellsOf) {
  const Process child{"ForkPoolWorker-2", 78};
  Line about = line("Task tasks.add[abc] succeeded");
  about.process = &child;
  EXPECT_EQ(celery_line(about, origin),
            "[2026-11-23 00:37:15,670: INFO/ForkPoolWorker-2] Task tasks.add[abc] succeeded");
  const Json ecs = parse_json(json_line(about, origin, LogSettings::Fields::ecs));
  EXPECT_EQ(ecs["process.name"], Json("ForkPoolWorker-2"));
  EXPECT_EQ(ecs["process.pid"], Json(78));
  const Json logstash = parse_json(json_line(about, origin, LogSettings::Fields::logstash_v1));
  EXPECT_EQ(logstash["process_name"], Json("ForkPoolWorker-2"));
  EXPECT_EQ(logstash["process"], Json(78));
}

TEST_F(LogLine, IsColouredByLevelAsCelerys) {
  Line warning = line("x");
  warning.level = Level::warning;
  EXPECT_EQ(colored_line(warning, origin),
            "\x1b[1;33m[2026-11-23 00:37:15,670: WARNING/MainProcess] x\x1b[0m");
  EXPECT_EQ(colored_line(line("x"), origin), celery_line(line("x"), origin));
}

TEST_F(LogLine, CarriesTheFieldsOfEcs) {
  Line about = line("Task tasks.add[abc] received");
  about.task_name = "tasks.add";
  about.task_id = "abc";
  const Json json = parse_json(json_line(about, origin, LogSettings::Fields::ecs));
  EXPECT_EQ(json["@timestamp"], Json("2026-11-23T00:37:15.670Z"));
  EXPECT_EQ(json["log.level"], Json("info"));
  EXPECT_EQ(json["message"], Json("Task tasks.add[abc] received"));
  EXPECT_EQ(json["ecs.version"], Json("8.11.0"));
  EXPECT_EQ(json["log.logger"], Json("celery.worker.strategy"));
  EXPECT_EQ(json["host.name"], Json("host1"));
  EXPECT_EQ(json["process.pid"], Json(77));
  EXPECT_EQ(json["process.name"], Json("MainProcess"));
  EXPECT_EQ(json["labels.task_id"], Json("abc"));
  EXPECT_EQ(json["labels.task_name"], Json("tasks.add"));
}

TEST_F(LogLine, CarriesTheFieldsOfLogstashV1) {
  Line about = line("x");
  about.level = Level::error;
  about.task_name = "tasks.add";
  about.task_id = "abc";
  const Json json = parse_json(json_line(about, origin, LogSettings::Fields::logstash_v1));
  EXPECT_EQ(json["@version"], Json("1"));
  EXPECT_EQ(json["level"], Json("ERROR"));
  EXPECT_EQ(json["host"], Json("host1"));
  EXPECT_EQ(json["logger_name"], Json("celery.worker.strategy"));
  EXPECT_EQ(json["process"], Json(77));
  EXPECT_EQ(json["process_name"], Json("MainProcess"));
  EXPECT_EQ(json["task_id"], Json("abc"));
  EXPECT_EQ(json["tags"], Json::array());
}

TEST_F(LogLine, IsOneLineOfValidJsonWhateverTheText) {
  const std::string text =
      "a\n\t\"b\\\x01\x7f \xc3\xa4 \xff \xed\xa0\x80 \xf0\x9f\x98\x80 \xe2\x82";
  const std::string written = json_line(line(text), origin, LogSettings::Fields::ecs);
  EXPECT_EQ(written.find('\n'), std::string::npos);
  const Json json = parse_json(written);
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(json["message"], Json("a\n\t\"b\\\x01\x7f \xc3\xa4 " + bad + " " + bad + bad + bad +
                                  " \xf0\x9f\x98\x80 " + bad + bad));
}

TEST(LogOnOneLine, EscapesWhatCouldPassForALineOfOurs) {
  EXPECT_EQ(on_one_line("T-1\n[2026-01-01: INFO/MainProcess] forged"),
            "T-1\\n[2026-01-01: INFO/MainProcess] forged");
  EXPECT_EQ(on_one_line("a\tb\x1b[2J\x7f \xff"), "a\\x09b\\x1b[2J\\x7f \\xff");
  EXPECT_EQ(on_one_line("grün 号 \\"), "grün 号 \\");
}

TEST(LogLevel, HasCelerysNames) {
  EXPECT_EQ(parse_level("info"), Level::info);
  EXPECT_EQ(parse_level("FATAL"), Level::critical);
  EXPECT_EQ(parse_level("Warning"), Level::warning);
  EXPECT_EQ(parse_level("loud"), std::nullopt);
  EXPECT_EQ(to_string(Level::critical), "CRITICAL");
}

}  // namespace
}  // namespace celeriac::worker::log
