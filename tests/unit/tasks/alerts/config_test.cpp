#include "tasks/alerts/config.h"

#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

struct Loaded {
  Config config;
  std::vector<std::string> mistakes;
};

Loaded load(const std::string& text) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SECRET") return "hush";
    if (name == "EMPTY") return "";
    if (name == "BAD_URL") return "hush:password@nowhere";
    return std::nullopt;
  };
  const auto document = read_config(text, "alerts.yaml", environment);
  auto top = document->root().map("the file");
  Loaded loaded;
  loaded.config = read_alert_rules(top);
  top.finish({"worker"});
  for (const auto& mistake : document->mistakes()) loaded.mistakes.push_back(to_string(mistake));
  return loaded;
}

constexpr const char* kStart = R"(sources:
  mon: { kind: influxdb1, url: "http://127.0.0.1:8086", database: mon }
channels:
  ops: { kind: lark, url: "http://127.0.0.1:9000/hook", secret: "${SECRET}" }
)";

// The mistakes of one rule; it begins in line 6.
std::vector<std::string> mistakes_of_rule(const std::string& lines) {
  return load(std::string(kStart) + "rules:\n  cpu:\n" + lines).mistakes;
}

constexpr const char* kGood =
    "    source: mon\n"
    "    query: SELECT 1\n"
    "    channels: ops\n";

using Texts = std::vector<std::string>;

TEST(Config, ReadsEverything) {
  const auto [config, mistakes] = load(R"(
sources:
  mon: { kind: influxdb1, url: "http://a:8086/", database: mon, username: u, password: "${SECRET}" }
  two: { kind: influxdb2, url: "https://b", org: plant, token: t }
  three: { kind: influxdb3, url: "https://c", database: d, token: t }
channels:
  ops: { kind: feishu, url: "https://lark/x", secret: "${SECRET}", format: card, timeout: 5s }
  chat: { kind: slack, url: "https://slack/y" }
  hook: { kind: webhook, url: "https://hook/z", rate: { per_second: 7 } }
redis: redis://127.0.0.1/1
defaults: { every: 60s, timeout: 15s, dedupe_for: 1h, severity: error, channels: [ops], queue: q,
            key: "{x}", max_rows: 9 }
rules:
  cpu:
    source: mon
    cron: "*/5 * * * *"
    query: SELECT 1
    expect: { compare: { value: usage, op: "<", than: 90, recover: 85 } }
    key: "{host}:{name}"
    severity: critical
    channels: [chat, hook, chat]
    group_by: { field: host, prefix: "-" }
    max_rows: 7
    max_retries: 2
    retry_backoff: 500ms
    template: { title: "{count} hosts", text: "{host}" }
  range: { source: two, query: q, expect: { range: { value: v, min: 1 } } }
  dead: { source: three, query: q, expect: { deadman: { max_age: 5m, groups: [ { host: a } ] } } }
  alive: { source: three, query: q, expect: { deadman: } }
  count: { source: three, query: q, expect: { count: { op: ">=", than: 3 } }, no_data: alert }
  equal: { source: three, query: q, expect: { equals: { value: v, to: [up, 1, true] } } }
tasks:
  MAINTASK: [cpu, range]
  other: { rules: cpu, group_by: host, template: { title: "{run}" } }
worker: { concurrency: 4 }
)");
  EXPECT_EQ(mistakes, Texts{});
  EXPECT_EQ(config.redis, "redis://127.0.0.1/1");
  EXPECT_EQ(config.sources.at("mon").url, "http://a:8086");
  EXPECT_EQ(config.sources.at("mon").password, "hush");
  EXPECT_EQ(config.sources.at("two").kind, Source::Kind::influxdb2);
  EXPECT_EQ(config.channels.at("ops").format, Channel::Format::card);
  EXPECT_EQ(config.channels.at("ops").timeout, 5s);
  EXPECT_EQ(config.channels.at("ops").rate.per_minute, 90);
  EXPECT_EQ(config.channels.at("chat").rate.per_second, 1);
  EXPECT_EQ(config.channels.at("hook").rate.per_second, 7);
  const auto& cpu = config.rules.at("cpu");
  EXPECT_EQ(cpu.cron, "*/5 * * * *");
  EXPECT_FALSE(cpu.every);
  EXPECT_EQ(cpu.severity, Severity::critical);
  EXPECT_EQ(cpu.channels, (Texts{"chat", "hook"}));
  EXPECT_EQ(cpu.dedupe_for, 1h);
  EXPECT_EQ(cpu.timeout, 15s);
  EXPECT_EQ(cpu.queue, "q");
  EXPECT_EQ(cpu.max_retries, 2);
  EXPECT_EQ(cpu.retry_backoff, 500ms);
  EXPECT_EQ(cpu.message.max_rows, 7u);
  EXPECT_EQ(cpu.message.group_by->prefix, "-");
  EXPECT_EQ(std::get<Compare>(cpu.expectation).recover, 85);
  const auto& range = config.rules.at("range");
  EXPECT_EQ(range.every, 60s);
  EXPECT_EQ(range.severity, Severity::error);
  EXPECT_EQ(range.channels, Texts{"ops"});
  EXPECT_EQ(range.key.field_names(), Texts{"x"});
  EXPECT_EQ(range.message.max_rows, 9u);
  EXPECT_EQ(std::get<Deadman>(config.rules.at("dead").expectation).groups.size(), 1u);
  EXPECT_FALSE(std::get<Deadman>(config.rules.at("alive").expectation).max_age);
  EXPECT_EQ(config.rules.at("count").no_data, NoData::alert);
  EXPECT_EQ(std::get<Equals>(config.rules.at("equal").expectation).to,
            (std::vector<Json>{"up", 1, true}));
  ASSERT_EQ(config.tasks.size(), 2u);
  EXPECT_EQ(config.tasks[0].rules, (Texts{"cpu", "range"}));
  EXPECT_EQ(config.tasks[1].message.group_by->field, "host");
}

TEST(Config, AFileWithoutRulesIsEmpty) {
  const auto [config, mistakes] = load("worker: { concurrency: 4 }\n");
  EXPECT_TRUE(config.empty());
  EXPECT_EQ(mistakes, Texts{});
}

TEST(Config, TellsEveryMistakeOfAFileAtOnce) {
  EXPECT_EQ(
      load(R"(sources:
  mon: { kind: influx, url: "127.0.0.1:8086" }
channels:
  ops: { kind: lark }
rules:
  cpu:
    source: mom
    expect: { compare: { value: usage, op: "=<", than: many } }
    chanels: [ops]
tasks:
  MAINTASK: [cpi]
)")
          .mistakes,
      (Texts{
          "alerts.yaml:2:16: kind of source 'mon' is 'influx'; it must be influxdb1, influxdb2 "
          "or influxdb3",
          "alerts.yaml:2:29: url of source 'mon' is no address; it must begin with http:// "
          "or https://",
          "alerts.yaml:4:8: channel 'ops' has no 'url'; add it",
          "alerts.yaml:7:5: rule 'cpu' has no 'query'; add it",
          "alerts.yaml:7:5: rule 'cpu' has no channel to tell; add `channels`, here or "
          "under `defaults`",
          "alerts.yaml:7:13: there is no source 'mom'; did you mean 'mon'?",
          "alerts.yaml:8:44: op of `compare` of rule 'cpu' is '=<'; did you mean '<'? It "
          "takes <, <=, >, >=, == or !=",
          "alerts.yaml:8:56: than of `compare` of rule 'cpu' is 'many'; it must be a number",
          "alerts.yaml:9:5: unknown key 'chanels' in rule 'cpu'; did you mean 'channels'?",
          "alerts.yaml:11:14: there is no rule 'cpi'; did you mean 'cpu'?",
      }));
}

TEST(Config, AWrongValueFromTheEnvironmentIsNotShown) {
  const auto mistakes = load("channels: { a: { kind: lark, url: \"${BAD_URL}\" } }\n").mistakes;
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_EQ(mistakes[0].find("hush"), std::string::npos) << mistakes[0];
}

TEST(Config, AMissingVariableIsToldWithItsPlace) {
  const auto mistakes = load("redis: ${NOT_THERE}\n").mistakes;
  ASSERT_FALSE(mistakes.empty());
  EXPECT_TRUE(mistakes[0].starts_with("alerts.yaml:1:8: ")) << mistakes[0];
  EXPECT_NE(mistakes[0].find("NOT_THERE"), std::string::npos);
}

struct RuleMistake {
  std::string lines, expected;
};

class ConfigRule : public testing::TestWithParam<RuleMistake> {};

TEST_P(ConfigRule, TellsTheMistake) {
  const auto mistakes = mistakes_of_rule(std::string(kGood) + GetParam().lines);
  EXPECT_EQ(mistakes, Texts{GetParam().expected});
}

const std::string kExpect = "    expect: { compare: { value: v, op: \"<\", than: 1 } }\n";

INSTANTIATE_TEST_SUITE_P(
    Mistakes, ConfigRule,
    testing::Values(
        RuleMistake{"", "alerts.yaml:7:5: rule 'cpu' has no 'expect'; add it"},
        RuleMistake{"    expect: { compar: { value: v } }\n",
                    "alerts.yaml:10:23: `expect` of rule 'cpu' does not know 'compar'; did you "
                    "mean 'compare'?"},
        RuleMistake{"    expect: { count: { op: \">\", than: 1 }, deadman: {} }\n",
                    "alerts.yaml:10:13: `expect` of rule 'cpu' takes exactly one of compare, "
                    "range, deadman, count and equals"},
        RuleMistake{"    expect: { range: { value: v } }\n",
                    "alerts.yaml:10:22: a range needs `min`, `max` or both"},
        RuleMistake{"    expect: { range: { value: v, min: 3, max: 2 } }\n",
                    "alerts.yaml:10:39: `min` is greater than `max`; swap them"},
        RuleMistake{"    expect: { compare: { value: v, op: \"<\", than: 1, recover: 2 } }\n",
                    "alerts.yaml:10:63: `recover` must lie on the normal side of `than`: at most "
                    "1.0"},
        RuleMistake{"    expect: { compare: { value: v, op: \"==\", than: 1, recover: 2 } }\n",
                    "alerts.yaml:10:64: `recover` goes with <, <=, > and >= only; remove it"},
        RuleMistake{"    expect: { equals: { value: v, to: { a: b } } }\n",
                    "alerts.yaml:10:39: `to` takes a text, a number, true or false, or a list of "
                    "these"},
        RuleMistake{kExpect + "    every: 10s\n    cron: \"* * * * *\"\n",
                    "alerts.yaml:12:11: cron of rule 'cpu' stands beside `every`; keep one of "
                    "them"},
        RuleMistake{"    expect: { equals: { value: v, to: [] } }\n",
                    "alerts.yaml:10:39: `to` names no value; name at least one"},
        RuleMistake{"    expect: { equals: { value: \"\", to: 1 } }\n",
                    "alerts.yaml:10:32: value of `equals` of rule 'cpu' is empty; give it a "
                    "value"},
        RuleMistake{kExpect + "    queue: \"\"\n",
                    "alerts.yaml:11:12: queue of rule 'cpu' is empty; give it a value"},
        RuleMistake{kExpect + "    template: { text: \"{host:d}\" }\n",
                    "alerts.yaml:11:23: text of template of rule 'cpu' has {host:d}, whose format "
                    "is not known; write decimals like {usage:.1f}"},
        RuleMistake{kExpect + "    cron: \"* * *\"\n",
                    "alerts.yaml:11:11: cron of rule 'cpu' is '* * *'; it must have five fields, "
                    "minute, hour, day of month, month and day of week, like \"*/5 * * * *\""},
        RuleMistake{kExpect + "    key: \"{host\"\n",
                    "alerts.yaml:11:10: key of rule 'cpu' has a { without its }; write {{ for the "
                    "brace itself"},
        RuleMistake{kExpect + "    template: { title: \"{host}\" }\n",
                    "alerts.yaml:11:24: a title speaks for all alarms of a run: it takes {run}, "
                    "{count} and {severity}, not {host}; put that into `text`"},
        RuleMistake{kExpect + "    group_by: { field: host, prefix: \"-\", length: 2 }\n",
                    "alerts.yaml:11:15: `group_by` takes `prefix` or `length`, not both"},
        RuleMistake{kExpect + "    dedupe_for: 5x\n",
                    "alerts.yaml:11:17: dedupe_for of rule 'cpu' is '5x'; it must be a duration "
                    "such as 30s, 5m, 2h or 1d, or a number of seconds"}));

TEST(Config, ANameWithNothingBehindItIsAMistake) {
  EXPECT_EQ(load("sources:\n  a:\nchannels:\n  b:\nrules:\n  c:\n").mistakes,
            (Texts{"alerts.yaml:2:3: source 'a' is empty; describe it, or remove it",
                   "alerts.yaml:4:3: channel 'b' is empty; describe it, or remove it",
                   "alerts.yaml:6:3: rule 'c' is empty; describe it, or remove it"}));
}

TEST(Config, AnEmptyTextIsAMistakeWhereverOneIsNeeded) {
  const auto empty = [](const std::string& place, const std::string& name) {
    return "alerts.yaml:" + place + ": " + name + " is empty; give it a value";
  };
  EXPECT_EQ(load("sources:\n"
                 "  a: { kind: influxdb1, url: \"${EMPTY}\", database: \"\" }\n"
                 "  b: { kind: influxdb2, url: \"http://b\", org: \" \" }\n"
                 "channels: { ops: { kind: lark, url: \"\" } }\n"
                 "rules: { cpu: { source: \"\", query: \"\", channels: ops, "
                 "expect: { deadman: } } }\n"
                 "redis: \"\"\n")
                .mistakes,
            (Texts{empty("2:30", "url of source 'a'"), empty("2:52", "database of source 'a'"),
                   empty("3:47", "org of source 'b'"), empty("4:37", "url of channel 'ops'"),
                   empty("5:25", "source of rule 'cpu'"), empty("5:36", "query of rule 'cpu'"),
                   empty("6:8", "redis of the file")}));
}

TEST(Config, AnAddressThatNoClientCanReachIsAMistake) {
  const auto mistakes_with = [](const std::string& url) {
    return load("channels: { ops: { kind: lark, url: \"" + url + "\" } }\n").mistakes;
  };
  const auto told = [](const std::string& what) {
    return Texts{"alerts.yaml:1:37: url of channel 'ops' " + what};
  };
  for (const auto* url : {"http://", "http:///hook", "http://:80/hook"}) {
    EXPECT_EQ(mistakes_with(url), told("names no host; write it like http://host:8086")) << url;
  }
  for (const auto* url : {"http://a:99999", "http://a:/hook", "http://[::1]:x", "http://a:0"}) {
    EXPECT_EQ(mistakes_with(url), told("has a port that is none; it must be 1 to 65535")) << url;
  }
  EXPECT_EQ(mistakes_with("http://a b/"), told("holds a blank; remove it"));
  for (const auto* url :
       {"http://a", "https://u:p@a:1/x?y=http://:", "http://[::1]:80", "http://[::1]/x"}) {
    EXPECT_EQ(mistakes_with(url), Texts{}) << url;
  }
}

TEST(Config, ARuleStandsOnceUnderATask) {
  const auto file = std::string(kStart) +
                    "rules: { cpu: { source: mon, query: q, channels: ops, "
                    "expect: { deadman: } } }\n";
  EXPECT_EQ(load(file + "tasks: { MAINTASK: [cpu, cpu] }\n").mistakes,
            Texts{"alerts.yaml:6:26: rule 'cpu' stands twice; remove one"});
  EXPECT_EQ(load(file + "tasks: { celery.ping: [cpu] }\n").mistakes,
            Texts{"alerts.yaml:6:23: 'celery.ping' is a name of Celery's own; bind another one"});
}

TEST(Config, SeveralInfluxQlStatementsMakeSeveralRules) {
  const auto mistakes = mistakes_of_rule(
      "    source: mon\n    query: SELECT 1; SELECT 2\n"
      "    channels: ops\n" +
      kExpect);
  EXPECT_EQ(mistakes, Texts{"alerts.yaml:8:12: query of rule 'cpu' holds several statements, whose "
                            "errors InfluxDB mixes up; make a rule of each"});
}

TEST(Config, TheThreeStepsCannotBeBound) {
  EXPECT_EQ(load(std::string(kStart) + "rules: { cpu: { source: mon, query: q, channels: ops, " +
                 "expect: { deadman: {} } } }\ntasks: { tasks.fetch: [cpu] }\n")
                .mistakes,
            Texts{"alerts.yaml:6:23: 'tasks.fetch' is one of the three steps; bind another name"});
}

}  // namespace
}  // namespace celeriac::alerts
