#include "tasks/alerts/channels/lark.h"

#include <celeriac/json.h>
#include <gtest/gtest.h>

#include "tests/unit/tasks/alerts/alarms.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;
using Format = Channel::Format;
using Kind = Answer::Kind;

const Time kNow = Time(std::chrono::seconds(1700000000));

Channel bot(std::string secret = "") {
  Channel channel;
  channel.name = "ops";
  channel.secret = std::move(secret);
  return channel;
}

Json body(Format format, const Digest& digest, std::string secret = "") {
  return parse_json(lark_post(bot(std::move(secret)), format, digest, kNow).body);
}

Digest grouped() {
  MessageStyle style;
  style.group_by = GroupBy{"host", "-", 0};
  style.text = text_template("{host}");
  return make_digest({make_alarm("north-1"), make_alarm("south-1", Severity::critical)}, style);
}

TEST(Lark, TextIsOneString) {
  EXPECT_EQ(body(Format::text, grouped()), parse_json(R"({"msg_type":"text","content":{"text":
              "[critical] cpu: 2 alarms\nnorth\nnorth-1\nsouth\nsouth-1"}})"));
}

TEST(Lark, PostHasALineForEachHeadingAndAlarm) {
  EXPECT_EQ(body(Format::post, grouped()),
            parse_json(R"({"msg_type":"post","content":{"post":{"en_us":{
              "title":"[critical] cpu: 2 alarms","content":[
                [{"tag":"text","text":"north"}],[{"tag":"text","text":"north-1"}],
                [{"tag":"text","text":"south"}],[{"tag":"text","text":"south-1"}]]}}}})"));
}

TEST(Lark, CardIsColouredByTheWorst) {
  EXPECT_EQ(body(Format::card, grouped()), parse_json(R"({"msg_type":"interactive","card":{
              "header":{"template":"red","title":
                {"tag":"plain_text","content":"[critical] cpu: 2 alarms"}},
              "elements":[
                {"tag":"div","text":{"tag":"lark_md","content":"**north**\nnorth-1"}},
                {"tag":"div","text":{"tag":"lark_md","content":"**south**\nsouth-1"}}]}})"));
}

TEST(Lark, SignsWithTheTimeOfThisAttempt) {
  const auto signed_body = body(Format::text, grouped(), "demo-secret");
  EXPECT_EQ(signed_body["timestamp"], Json("1700000000"));
  EXPECT_EQ(signed_body["sign"], Json("mYHw2R2SOm8Rw/sne3lQdmz4sOfntKR+1P/8RKKTwmA="));
  EXPECT_FALSE(body(Format::text, grouped()).find("sign"));
}

TEST(Lark, AValueCannotMentionPeopleOrBreakTheMarkUp) {
  MessageStyle style;
  style.text = text_template("{host} <at user_id=\"all\"></at>");
  const auto digest = make_digest({make_alarm("<at user_id=\"all\">*x*")}, style);
  EXPECT_NE(lark_post(bot(), Format::text, digest, kNow).body.find("\\u2039at user_id="),
            std::string::npos);
  EXPECT_EQ(body(Format::card, digest)["card"]["elements"].as_array()->front()["text"]["content"],
            Json("&#60;at user_id=\"all\"&#62;&#42;x&#42; <at user_id=\"all\"></at>"));
}

TEST(Lark, EveryFormatStaysWithinTwentyKilobytesAndSaysWhatIsMissing) {
  MessageStyle style;
  style.max_rows = 5000;
  const auto digest = make_digest(many_alarms(5000, "上海一号楼"), style);
  for (const auto format : {Format::text, Format::post, Format::card}) {
    const auto post = lark_post(bot("secret"), format, digest, kNow);
    EXPECT_LE(post.body.size(), 20'000u);
    EXPECT_GT(post.body.size(), 18'000u);
    EXPECT_NE(post.body.find(" more"), std::string::npos);
  }
}

TEST(Lark, OneAlarmWithAnEndlessValueFitsToo) {
  const auto digest = make_digest({make_alarm(std::string(100'000, '"'))});
  for (const auto format : {Format::text, Format::post, Format::card}) {
    const auto post = lark_post(bot(), format, digest, kNow);
    EXPECT_LE(post.body.size(), 20'000u);
    EXPECT_NE(post.body.find("…") == std::string::npos ? post.body.find("\\u2026") : 0,
              std::string::npos);
  }
}

Kind judged(int status, std::string text, HttpHeaders headers = {}) {
  return judge_lark(bot(), reply(status, std::move(text), std::move(headers)), kNow).kind;
}

TEST(Lark, AcceptedIsCodeZeroAlone) {
  EXPECT_EQ(judged(200, R"({"code":0,"msg":"success","data":{},"StatusCode":0})"), Kind::accepted);
  EXPECT_EQ(judged(200, R"({"StatusCode":0,"StatusMessage":"success","Extra":null})"),
            Kind::accepted);
  EXPECT_EQ(judged(200, R"({"code":19001,"StatusCode":0})"), Kind::refused);
}

TEST(Lark, ASuccessWithoutACodeIsAFailure) {
  for (const auto* text : {"{}", "ok", "", "<html>", "[]", R"({"code":"0"})"}) {
    EXPECT_EQ(judged(200, text), Kind::again) << text;
  }
}

TEST(Lark, EveryCodeMeansWhatTheVendorSays) {
  const std::vector<std::pair<int, Kind>> codes = {
      {9499, Kind::refused},     {11232, Kind::again},    {19001, Kind::refused},
      {19002, Kind::refused},    {19003, Kind::refused},  {19007, Kind::refused},
      {19021, Kind::sign_again}, {19022, Kind::refused},  {19024, Kind::refused},
      {19036, Kind::refused},    {200621, Kind::as_text}, {230099, Kind::as_text},
      {4711, Kind::refused}};
  for (const auto& [code, kind] : codes) {
    const auto answer = judge_lark(
        bot(), reply(200, R"({"code":)" + std::to_string(code) + R"(,"msg":"no"})"), kNow);
    EXPECT_EQ(answer.kind, kind) << code;
    EXPECT_NE(answer.text.find(std::to_string(code)), std::string::npos) << answer.text;
    EXPECT_NE(answer.text.find("channel 'ops'"), std::string::npos) << answer.text;
  }
}

TEST(Lark, ABadRequestMayBeTheRateLimitInDisguise) {
  EXPECT_EQ(judged(200, R"({"code":9499,"msg":"frequency limited psm[x]"})"), Kind::again);
}

TEST(Lark, ARateLimitSaysWhenToComeBack) {
  EXPECT_EQ(judge_lark(bot(), reply(200, R"({"code":11232})"), kNow).after, 2s);
  EXPECT_EQ(judge_lark(bot(), reply(429, "", {{"X-Ogw-Ratelimit-Reset", "9"}}), kNow).after, 9s);
  EXPECT_EQ(judge_lark(bot(), reply(503, "", {{"Retry-After", "4"}}), kNow).after, 4s);
  EXPECT_EQ(judged(500, "oops"), Kind::again);
  EXPECT_EQ(judged(404, "nothing here"), Kind::refused);
}

}  // namespace
}  // namespace celeriac::alerts
