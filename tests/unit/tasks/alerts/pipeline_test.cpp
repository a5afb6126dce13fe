// The three steps against planned answers: what they send, publish, retry and remember.
#include "tasks/alerts/pipeline.h"

#include <gtest/gtest.h>

#include "tasks/alerts/alerts.h"
#include "tests/unit/tasks/alerts/alarms.h"
#include "tests/unit/tasks/alerts/fake_context.h"
#include "tests/unit/tasks/alerts/run_now.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

constexpr const char* kRules = R"(
sources:
  mon: { kind: influxdb1, url: "http://influx:8086", database: mon }
  far: { kind: influxdb1, url: "http://far:8086", database: mon }
channels:
  ops: { kind: lark, url: "http://lark/hook/T0KEN", secret: s, format: card }
  hook: { kind: webhook, url: "http://hook/in" }
defaults: { channels: ops, max_retries: 3, retry_backoff: 4s }
rules:
  cpu:
    source: mon
    query: SELECT cpu
    expect: { compare: { value: usage, op: "<", than: 90 } }
    key: "{host}:{name}"
    queue: alerts
  hourly:
    source: mon
    query: SELECT cpu
    expect: { compare: { value: usage, op: "<", than: 90 } }
    dedupe_for: 1h
  both:
    source: mon
    query: SELECT cpu
    expect: { compare: { value: usage, op: "<", than: 90 } }
    channels: [ops, hook]
  slow:
    source: mon
    query: SELECT cpu
    expect: { compare: { value: usage, op: "<", than: 90, recover: 80 } }
  disk:
    source: far
    query: SELECT disk
    expect: { deadman: }
tasks:
  MAINTASK: [cpu, disk]
)";

Config config_of(const std::string& text) {
  const auto document = read_config(
      text, "alerts.yaml", [](const std::string&) { return std::optional<std::string>(); });
  auto top = document->root().map("the file");
  auto config = read_alert_rules(top);
  top.finish();
  document->throw_mistakes();
  return config;
}

// What one series with these hosts and values answers.
std::string series(const std::vector<std::pair<std::string, double>>& hosts) {
  Json::Array all;
  for (const auto& [host, usage] : hosts) {
    all.push_back(
        Json::object({{"name", "cpu"},
                      {"tags", Json::object({{"host", host}})},
                      {"columns", Json::array({"time", "usage"})},
                      {"values", Json::array({Json::array({"2026-01-02T03:04:00Z", usage})})}}));
  }
  return dump_json(
      Json::object({{"results", Json::array({Json::object({{"series", std::move(all)}})})}}));
}

constexpr const char* kNothing = R"({"results":[{"statement_id":0}]})";
constexpr const char* kYes = R"({"code":0})";

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    ctx.web.answer = [this](const HttpRequest& request) {
      if (request.url.starts_with("http://influx")) return influx();
      if (request.url.starts_with("http://far")) return far();
      if (request.url.starts_with("http://lark")) return lark();
      return hook();
    };
  }

  // Runs the step as the message would: its arguments and id come from what was sent last.
  Json cache_sent() {
    const auto sent = ctx.sent.back();
    EXPECT_EQ(sent.task(), kCache);
    ctx.mine.id = "cache-1";
    return run(pipeline.cache(ctx, sent.args().at(0), Json()));
  }
  Json sendalert(const Json& claimed, const std::string& id = "send-1") {
    ctx.mine.id = id;
    return run(pipeline.sendalert(ctx, claimed, Json()));
  }
  Retry retry_of(const Json& claimed) {
    try {
      sendalert(claimed);
    } catch (const Retry& retry) {
      return retry;
    }
    ADD_FAILURE() << "no retry";
    return {};
  }
  std::string failure_of(const Json& claimed) {
    try {
      sendalert(claimed);
    } catch (const TaskError& error) {
      return error.what();
    } catch (const Retry& retry) {
      return "retry: " + retry.options.reason;
    }
    return "none";
  }
  // What cache hands to sendalert for these rows of a rule.
  Json claimed(const std::string& rule, const std::vector<std::pair<std::string, double>>& hosts,
               const std::string& id = "cache-1") {
    Json::Array rows;
    for (const auto& [host, usage] : hosts) {
      rows.push_back(Json::object({{"labels", Json::object({{"host", host}})},
                                   {"series", "cpu"},
                                   {"values", Json::object({{"usage", usage}})}}));
    }
    ctx.mine.id = id;
    ctx.mine.chain = Json::array({"sendalert"});
    auto value = run(pipeline.cache(ctx, rule, std::move(rows)));
    ctx.mine.chain = Json();
    return value;
  }
  std::size_t posts(const std::string& to) const {
    std::size_t count = 0;
    for (const auto& request : ctx.web.requests) count += request.url.starts_with(to) ? 1u : 0u;
    return count;
  }
  static std::vector<std::string> keys(const Json& claimed) {
    std::vector<std::string> keys;
    for (const auto& alarm : *claimed["alarms"].as_array()) {
      keys.push_back(*alarm["key"].as_string());
    }
    return keys;
  }

  FakeContext ctx;
  Pipeline pipeline{config_of(kRules)};
  using Answer = std::function<HttpResponse()>;
  Answer influx = [] { return reply(200, series({{"a", 95}, {"b", 10}})); };
  Answer far = [] { return reply(200, kNothing); };
  Answer lark = [] { return reply(200, kYes); };
  Answer hook = [] { return reply(204, ""); };
};

using Keys = std::vector<std::string>;

TEST_F(PipelineTest, AFetchOfItsOwnPublishesCacheWithItsRows) {
  const auto summary = run(pipeline.fetch(ctx, "cpu"));
  EXPECT_EQ(summary, parse_json(R"({"rule":"cpu","rows":2,"next":"sent-1"})"));
  ASSERT_EQ(ctx.sent.size(), 1u);
  EXPECT_EQ(ctx.sent[0].task(), "tasks.cache");
  EXPECT_EQ(*ctx.sent[0].options().find("queue"), Json("alerts"));
  EXPECT_EQ(ctx.sent[0].args().at(0)["rows"].as_array()->size(), 2u);
}

TEST_F(PipelineTest, AFetchWhereAllIsWellPublishesNothing) {
  influx = [] { return reply(200, series({{"a", 5}})); };
  run(pipeline.fetch(ctx, "cpu"));
  EXPECT_TRUE(ctx.sent.empty());
  EXPECT_EQ(ctx.counters["celeriac_alert_evaluations_total{cpu,ok}"], 1);
}

TEST_F(PipelineTest, AFetchInAChainOnlyHandsItsRowsOn) {
  ctx.mine.chain = Json::array({Json::object({{"task", "tasks.cache"}})});
  const auto value = run(pipeline.fetch(ctx, "cpu"));
  EXPECT_TRUE(ctx.sent.empty());
  EXPECT_EQ(value["rule"], Json("cpu"));
  EXPECT_EQ(value["rows"].as_array()->size(), 2u);
}

TEST_F(PipelineTest, AFetchInAChordOnlyHandsItsRowsOn) {
  ctx.mine.chord = Json::object({{"task", "tasks.cache"}});
  run(pipeline.fetch(ctx, "cpu"));
  EXPECT_TRUE(ctx.sent.empty());
}

TEST_F(PipelineTest, TheThreeStepsTellAnAlarmOnce) {
  run(pipeline.fetch(ctx, "cpu"));
  const auto summary = cache_sent();
  EXPECT_EQ(summary, parse_json(R"({"rule":"cpu","alarms":1,"suppressed":0,"next":"sent-2"})"));
  ASSERT_EQ(ctx.sent.back().task(), kSendAlert);
  EXPECT_EQ(sendalert(ctx.sent.back().args().at(0)), parse_json(R"({"sent":{"ops":1}})"));
  EXPECT_EQ(posts("http://lark"), 1u);
  EXPECT_EQ(ctx.counters["celeriac_alert_notifications_total{ops,sent}"], 1);
  EXPECT_EQ(ctx.counters["celeriac_alert_alarms_total{cpu,ops}"], 1);

  run(pipeline.fetch(ctx, "cpu"));
  EXPECT_EQ(cache_sent(), parse_json(R"({"rule":"cpu","alarms":0,"suppressed":1})"));
  EXPECT_EQ(ctx.counters["celeriac_alert_suppressed_total{cpu,already told}"], 1);

  ctx.clock += 30min;
  run(pipeline.fetch(ctx, "cpu"));
  EXPECT_EQ(cache_sent()["alarms"], Json(1)) << "after dedupe_for it is told again";
}

TEST_F(PipelineTest, AnAlarmIsToldAgainAfterTheTimeOfItsRule) {
  sendalert(claimed("hourly", {{"a", 95}}));
  ctx.clock += 59min;
  EXPECT_EQ(keys(claimed("hourly", {{"a", 95}}, "cache-2")), Keys());
  ctx.clock += 1min;
  EXPECT_EQ(keys(claimed("hourly", {{"a", 95}}, "cache-3")).size(), 1u);
}

TEST_F(PipelineTest, AnUnknownRuleFailsWithTheOneThatWasMeant) {
  try {
    run(pipeline.fetch(ctx, "cpuu"));
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(std::string(error.what()),
              "RuleError: there is no rule 'cpuu' in this worker's file; did you mean 'cpu'?");
    EXPECT_EQ(error.type(), "RuleError");
  }
}

TEST_F(PipelineTest, ASourceInTroubleIsAskedAgainWithBackOff) {
  influx = [] { return reply(503, "busy"); };
  for (const int retries : {0, 1, 2}) {
    ctx.mine.retries = retries;
    try {
      run(pipeline.fetch(ctx, "cpu"));
      FAIL();
    } catch (const Retry& retry) {
      const auto wait = 4s * (1 << retries);
      EXPECT_GE(*retry.options.countdown, wait);
      EXPECT_LE(*retry.options.countdown, wait * 1.25);
      EXPECT_EQ(retry.options.max_retries, 3);
    }
  }
  ctx.mine.retries = 3;
  EXPECT_THROW(run(pipeline.fetch(ctx, "cpu")), TaskError);
  EXPECT_EQ(ctx.counters["celeriac_alert_evaluations_total{cpu,error}"], 4);
}

TEST_F(PipelineTest, ASourceThatSaysWhenIsAskedThen) {
  influx = [] { return reply(429, "", {{"Retry-After", "77"}}); };
  try {
    run(pipeline.fetch(ctx, "cpu"));
    FAIL();
  } catch (const Retry& retry) {
    EXPECT_EQ(*retry.options.countdown, 77s);
  }
}

TEST_F(PipelineTest, ASourceThatCannotBeReachedIsAskedAgain) {
  influx = []() -> HttpResponse { throw HttpError(0, "POST http://influx:8086: refused"); };
  EXPECT_THROW(run(pipeline.fetch(ctx, "cpu")), Retry);
  influx = []() -> HttpResponse { throw Timeout("POST http://influx:8086: no answer"); };
  EXPECT_THROW(run(pipeline.fetch(ctx, "cpu")), Retry);
}

TEST_F(PipelineTest, BadCredentialsFailAtOnceWithTheRemedy) {
  influx = [] { return reply(401, R"({"error":"authorization failed"})"); };
  try {
    run(pipeline.fetch(ctx, "cpu"));
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(std::string(error.what()),
              "SourceError: rule 'cpu': source 'mon': InfluxDB answered HTTP 401, \"authorization "
              "failed\"; "
              "check the source's user, password or token");
  }
}

TEST_F(PipelineTest, ABoundTaskTellsSeveralRulesInOneMessage) {
  const auto* binding = &pipeline.config().tasks.front();
  EXPECT_EQ(run(pipeline.run(ctx, binding, Json())),
            parse_json(R"({"task":"MAINTASK","rows":2,"next":"sent-1"})"));
  EXPECT_EQ(cache_sent(),
            parse_json(R"({"task":"MAINTASK","alarms":2,"suppressed":0,"next":"sent-2"})"));
  sendalert(ctx.sent.back().args().at(0));
  ASSERT_EQ(posts("http://lark"), 1u);
  const auto body = ctx.web.requests.back().body;
  EXPECT_NE(body.find("MAINTASK: 2 alarms"), std::string::npos) << body;
}

TEST_F(PipelineTest, ABoundTaskHandsOnWhatItHasAndRetriesTheRest) {
  far = [] { return reply(503, "busy"); };
  try {
    run(pipeline.run(ctx, &pipeline.config().tasks.front(), Json()));
    FAIL();
  } catch (const Retry& retry) {
    EXPECT_EQ(retry.options.kwargs, (JsonObject{{"rules", Json::array({"disk"})}}));
    EXPECT_EQ(retry.options.args, Json::Array{});
  }
  EXPECT_EQ(ctx.sent.size(), 1u);
  ctx.web.requests.clear();
  far = [] { return reply(200, kNothing); };
  run(pipeline.run(ctx, &pipeline.config().tasks.front(), Json::array({"disk"})));
  EXPECT_EQ(posts("http://influx"), 0u);
  EXPECT_EQ(ctx.sent.size(), 2u);
}

TEST_F(PipelineTest, AMistakeOfOneRuleDoesNotHoldUpTheOthers) {
  influx = [] {
    return reply(200, R"({"results":[{"series":[
    {"name":"cpu","columns":["time","load"],"values":[["t",1]]}]}]})");
  };
  try {
    run(pipeline.run(ctx, &pipeline.config().tasks.front(), Json()));
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.type(), "RuleError");
    EXPECT_NE(std::string(error.what()).find("no row has the column \"usage\""), std::string::npos);
  }
  ASSERT_EQ(ctx.sent.size(), 1u);
  EXPECT_EQ((*ctx.sent[0].args().at(0)["results"].as_array())[0]["rule"], Json("disk"));
}

TEST_F(PipelineTest, AKeyThatTheRowsDoNotHaveIsToldByFetch) {
  influx = [] {
    return reply(200, R"({"results":[{"series":[
    {"name":"cpu","columns":["time","usage"],"values":[["t",99]]}]}]})");
  };
  try {
    run(pipeline.fetch(ctx, "cpu"));
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(std::string(error.what()),
              "RuleError: rule 'cpu': `key` names {host}, but the row has usage, time");
  }
}

TEST_F(PipelineTest, ABoundTaskInAChainIsTriedAgainAsAWhole) {
  ctx.mine.chain = Json::array({"cache"});
  far = [] { return reply(503, "busy"); };
  try {
    run(pipeline.run(ctx, &pipeline.config().tasks.front(), Json()));
    FAIL();
  } catch (const Retry& retry) {
    EXPECT_FALSE(retry.options.kwargs);
  }
  EXPECT_TRUE(ctx.sent.empty());
  far = [] { return reply(401, "no"); };
  const auto value = run(pipeline.run(ctx, &pipeline.config().tasks.front(), Json()));
  EXPECT_EQ(value["results"].as_array()->size(), 1u) << "what was found goes on";
}

TEST_F(PipelineTest, ARedeliveredCacheRecognisesItsClaims) {
  EXPECT_EQ(keys(claimed("cpu", {{"a", 95}})), Keys{"a:cpu"});
  EXPECT_EQ(keys(claimed("cpu", {{"a", 95}})), Keys{"a:cpu"});
  EXPECT_EQ(keys(claimed("cpu", {{"a", 95}}, "cache-2")), Keys{});
}

TEST_F(PipelineTest, RowsUnderOneKeyAreOneAlarm) {
  EXPECT_EQ(keys(claimed("cpu", {{"a", 95}, {"a", 96}, {"b", 97}})), (Keys{"a:cpu", "b:cpu"}));
}

TEST_F(PipelineTest, HysteresisHoldsAnAlarmUntilItRecovers) {
  EXPECT_EQ(keys(claimed("slow", {{"a", 85}})), Keys{}) << "it never fired";
  EXPECT_EQ(keys(claimed("slow", {{"a", 95}})), Keys{"a"});
  ctx.clock += 2min;  // the claim has ended
  EXPECT_EQ(keys(claimed("slow", {{"a", 85}})), Keys{"a"});
  ctx.clock += 2min;
  EXPECT_EQ(keys(claimed("slow", {{"a", 75}})), Keys{});
  EXPECT_EQ(keys(claimed("slow", {{"a", 85}})), Keys{});
}

TEST_F(PipelineTest, TwoMessagesForTheSameAlarmsSendOne) {
  const auto value = claimed("cpu", {{"a", 95}});
  sendalert(value);
  EXPECT_EQ(sendalert(value, "send-2"), parse_json(R"({"sent":{"ops":0}})"));
  EXPECT_EQ(posts("http://lark"), 1u);
}

TEST_F(PipelineTest, AnAlarmOfAnOldRunIsSentAlthoughANewerRunClaimedIt) {
  const auto old = claimed("cpu", {{"a", 95}});
  ctx.clock += 2min;
  const auto newer = claimed("cpu", {{"a", 95}}, "cache-2");
  EXPECT_EQ(sendalert(old)["sent"]["ops"], Json(1));
  EXPECT_EQ(sendalert(newer, "send-2")["sent"]["ops"], Json(0));
}

TEST_F(PipelineTest, WhileAnotherAttemptMaySendItWaits) {
  const auto value = claimed("cpu", {{"a", 95}});
  lark = []() -> HttpResponse { throw Cancelled{}; };  // killed in the middle of the request
  EXPECT_THROW(sendalert(value), Cancelled);
  lark = [] { return reply(200, kYes); };
  const auto before = ctx.clock;
  EXPECT_EQ(sendalert(value)["sent"]["ops"], Json(1));
  EXPECT_GE(ctx.clock - before, 35s) << "three times the time-out, and five seconds";
}

TEST_F(PipelineTest, AChannelInTroubleIsRetriedAndTheClaimKept) {
  const auto value = claimed("cpu", {{"a", 95}});
  lark = [] { return reply(500, "oops"); };
  const auto retry = retry_of(value);
  EXPECT_GE(*retry.options.countdown, 4s);
  EXPECT_EQ(retry.options.max_retries, -1);
  EXPECT_NE(retry.options.reason.find("HTTP 500"), std::string::npos);
  ctx.clock += 70s;
  EXPECT_EQ(keys(claimed("cpu", {{"a", 95}}, "cache-2")), Keys{"a:cpu"}) << "its lease is over";
}

TEST_F(PipelineTest, ARateLimitIsWaitedForAndTheClaimLastsAsLong) {
  const auto value = claimed("cpu", {{"a", 95}});
  lark = [] { return reply(429, "", {{"x-ogw-ratelimit-reset", "300"}}); };
  const auto retry = retry_of(value);
  EXPECT_EQ(*retry.options.countdown, 300s);
  ctx.clock += 301s;
  EXPECT_EQ(keys(claimed("cpu", {{"a", 95}}, "cache-2")), Keys{});
  lark = [] { return reply(200, kYes); };
  EXPECT_EQ(sendalert(retry.options.args->at(0))["sent"]["ops"], Json(1));
}

TEST_F(PipelineTest, ARateLimitIsWaitedForByOtherMessagesToo) {
  const auto value = claimed("cpu", {{"a", 95}});
  const auto other = claimed("cpu", {{"b", 95}}, "cache-2");
  lark = [] { return reply(429, "", {{"x-ogw-ratelimit-reset", "300"}}); };
  retry_of(value);
  EXPECT_EQ(*retry_of(other).options.countdown, 300s);
  EXPECT_EQ(posts("http://lark"), 1u);
}

TEST_F(PipelineTest, AfterItsTriesItGivesUpAndTheNextRunFindsTheAlarmAgain) {
  auto value = claimed("cpu", {{"a", 95}});
  lark = [] { return reply(500, "oops"); };
  for (int i = 0; i < 3; ++i) value = retry_of(value).options.args->at(0);
  EXPECT_EQ(failure_of(value),
            "ChannelError: given up after 4 tries: channel 'ops': Lark answered HTTP 500, "
            "\"oops\"; check "
            "that the channel answers at its `url`. The next run finds these alarms again");
  EXPECT_EQ(keys(claimed("cpu", {{"a", 95}}, "cache-2")), Keys{"a:cpu"});
}

TEST_F(PipelineTest, ARefusalFailsAtOnceAndTheAlarmIsNotMarkedAsTold) {
  const auto value = claimed("cpu", {{"a", 95}});
  lark = [] { return reply(200, R"({"code":19024,"msg":"Key Words Not Found"})"); };
  EXPECT_EQ(failure_of(value),
            "ChannelError: channel 'ops': Lark answered code 19024, \"Key Words Not Found\"; put "
            "one of the "
            "bot's keywords into `template.title`");
  EXPECT_EQ(keys(claimed("cpu", {{"a", 95}}, "cache-2")), Keys{"a:cpu"});
  EXPECT_EQ(ctx.counters["celeriac_alert_notifications_total{ops,refused}"], 1);
}

TEST_F(PipelineTest, ARefusedCardIsSentAsTextOnce) {
  const auto value = claimed("cpu", {{"a", 95}});
  lark = [this] {
    const bool card = ctx.web.requests.back().body.find("interactive") != std::string::npos;
    return reply(200, card ? R"({"code":230099,"msg":"card"})" : kYes);
  };
  EXPECT_EQ(sendalert(value)["sent"]["ops"], Json(1));
  EXPECT_EQ(posts("http://lark"), 2u);
  lark = [] { return reply(200, R"({"code":230099,"msg":"card"})"); };
  EXPECT_TRUE(failure_of(claimed("cpu", {{"b", 95}}))
                  .starts_with("ChannelError: channel 'ops': Lark answered"));
}

TEST_F(PipelineTest, AnOldSignatureIsMadeAgainOnce) {
  const auto value = claimed("cpu", {{"a", 95}});
  int wrong = 1;
  lark = [&wrong] { return reply(200, wrong-- > 0 ? R"({"code":19021,"msg":"sign"})" : kYes); };
  EXPECT_EQ(sendalert(value)["sent"]["ops"], Json(1));
  wrong = 100;
  EXPECT_NE(failure_of(claimed("cpu", {{"b", 95}})).find("`secret`"), std::string::npos);
}

TEST_F(PipelineTest, EachChannelIsConfirmedOnItsOwn) {
  const auto value = claimed("both", {{"a", 95}});
  hook = [] { return reply(503, "busy"); };
  const auto retry = retry_of(value);
  hook = [] { return reply(204, ""); };
  EXPECT_EQ(sendalert(retry.options.args->at(0)), parse_json(R"({"sent":{"hook":1}})"));
  EXPECT_EQ(posts("http://lark"), 1u);
  EXPECT_EQ(posts("http://hook"), 2u);
}

TEST_F(PipelineTest, ARefusalOfOneChannelIsToldAfterTheOthersAreDone) {
  const auto value = claimed("both", {{"a", 95}});
  lark = [] { return reply(404, "gone"); };
  hook = [] { return reply(503, "busy"); };
  const auto retry = retry_of(value);
  hook = [] { return reply(204, ""); };
  EXPECT_TRUE(failure_of(retry.options.args->at(0))
                  .starts_with("ChannelError: channel 'ops': Lark answered"));
  EXPECT_EQ(posts("http://lark"), 1u) << "what was refused is not tried again";
}

TEST_F(PipelineTest, ARetryOfAWebhookHasTheSameIdentity) {
  const auto value = claimed("both", {{"a", 95}, {"b", 95}});
  hook = [] { return reply(503, "busy"); };
  const auto retry = retry_of(value);
  hook = [] { return reply(204, ""); };
  sendalert(retry.options.args->at(0));
  std::vector<std::string> ids;
  for (const auto& request : ctx.web.requests) {
    if (const auto* id = find_header(request.headers, "Idempotency-Key")) ids.push_back(*id);
  }
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids[0], ids[1]);
}

TEST_F(PipelineTest, MoreMessagesThanTheRateAllowsComeBackLaterWithoutCountingAsTries) {
  int taken = 0;
  std::string reason;
  for (int i = 0; i < 100 && reason.empty(); ++i) {
    try {
      sendalert(claimed("cpu", {{"h" + std::to_string(i), 95}}));
      ++taken;
    } catch (const Retry& retry) {
      reason = retry.options.reason;
      EXPECT_EQ(retry.options.args->at(0)["tries"], Json());
      EXPECT_LE(*retry.options.countdown, 60s);
    }
  }
  EXPECT_EQ(taken, 90);
  EXPECT_NE(reason.find("its rate is used up"), std::string::npos) << reason;
}

TEST_F(PipelineTest, AlarmsByHandGoToTheRulesChannels) {
  ctx.mine.id = "send-1";
  const auto alarms = Json::array({Json::object({{"key", "k"}, {"reason", "because"}})});
  EXPECT_EQ(run(pipeline.sendalert(ctx, "cpu", alarms)), parse_json(R"({"sent":{"ops":1}})"));
}

TEST_F(PipelineTest, NothingToTellIsFine) {
  EXPECT_EQ(sendalert(claimed("cpu", {{"a", 5}})), parse_json(R"({"sent":{}})"));
}

TEST_F(PipelineTest, NoSecretIsInAnyTextOfAFailure) {
  lark = []() -> HttpResponse { throw HttpError(0, "POST http://lark: refused"); };
  EXPECT_EQ(failure_of(claimed("cpu", {{"a", 95}})).find("T0KEN"), std::string::npos);
  for (const auto& line : ctx.lines.lines) EXPECT_EQ(line.find("T0KEN"), std::string::npos);
}

class WithoutRedis : public PipelineTest {
 protected:
  WithoutRedis() { pipeline = Pipeline(config_of(std::string(kRules) + "redis: redis://r\n")); }
};

TEST_F(WithoutRedis, CacheComesBackAndThenSaysWhatToDo) {
  try {
    claimed("cpu", {{"a", 95}});
    FAIL();
  } catch (const Retry& retry) {
    EXPECT_GE(*retry.options.countdown, 4s);
  }
  ctx.mine.retries = 3;
  try {
    claimed("cpu", {{"a", 95}});
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.type(), "StoreError");
    EXPECT_NE(std::string(error.what()).find("check `redis`"), std::string::npos);
  }
}

TEST_F(WithoutRedis, SendalertSendsNothingAndComesBack) {
  const auto value = parse_json(R"({"rule":"cpu","token":"t",
    "alarms":[{"key":"a","channels":["ops"]}]})");
  EXPECT_EQ(retry_of(value).options.args->at(0)["tries"], Json(1));
  EXPECT_EQ(posts("http://lark"), 0u);
}

// Redis goes while the channel says yes.
TEST_F(WithoutRedis, WhatWasToldIsNotedByTheRetryAndNotToldAgain) {
  bool away = true;
  std::vector<std::string> noted;
  ctx.store.answer = [&](const fake::Redis::Command& command) -> RedisReply {
    const std::string& value = command.at(3);  // EVAL, script, one key
    if (value.starts_with("sending ")) return RedisReply::Array{std::int64_t{-1}};
    if (away) throw Timeout("Redis at 127.0.0.1:6379 did not answer in time");
    noted.push_back(command.at(2) + " " + value);
    return std::int64_t{1};
  };
  const auto value = parse_json(R"({"rule":"both","token":"t",
    "alarms":[{"key":"a","channels":["hook"]}]})");
  const auto retry = retry_of(value);
  ASSERT_TRUE(retry.options.args);
  away = false;
  EXPECT_EQ(sendalert(retry.options.args->at(0)), parse_json(R"({"sent":{}})"));
  EXPECT_EQ(posts("http://hook"), 1u);
  EXPECT_EQ(noted, Keys{"celeriac:alert:both:hook:a told t"});
}

TEST(RegisterTasks, AddsTheStepsAndTheBoundTasks) {
  Registry registry;
  register_tasks(registry, config_of(kRules));
  for (const auto* name : {"tasks.fetch", "tasks.cache", "tasks.sendalert", "MAINTASK"}) {
    const auto* task = registry.find(name);
    ASSERT_NE(task, nullptr) << name;
    EXPECT_EQ(task->options.acks_late, true) << name;
    EXPECT_FALSE(task->options.description.empty());
  }
}

TEST(RegisterTasks, LeavesTheNamesFreeWithoutRules) {
  Registry registry;
  register_tasks(registry, Config());
  EXPECT_TRUE(registry.tasks().empty());
}

TEST(StartLine, SaysWhenAlarmsAreOnlyRememberedInMemory) {
  EXPECT_EQ(start_line(Config()), "");
  EXPECT_NE(start_line(config_of(kRules)).find("in this process alone"), std::string::npos);
  EXPECT_NE(start_line(config_of(std::string(kRules) + "redis: redis://r\n")).find("in Redis"),
            std::string::npos);
}

}  // namespace
}  // namespace celeriac::alerts
