#include "tasks/alerts/channels/slack.h"

#include <celeriac/json.h>
#include <gtest/gtest.h>

#include "tests/unit/tasks/alerts/alarms.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;
using Kind = Answer::Kind;

const Time kNow{};

Channel chat() {
  Channel channel;
  channel.name = "chat";
  channel.kind = Channel::Kind::slack;
  return channel;
}

TEST(Slack, AMessageIsAHeaderAndASectionForEachGroup) {
  MessageStyle style;
  style.group_by = GroupBy{"host", "-", 0};
  style.text = text_template("{host}");
  const auto digest = make_digest({make_alarm("north-1"), make_alarm("south-1")}, style);
  EXPECT_EQ(parse_json(slack_post(digest).body), parse_json(R"({
    "text":"[warning] cpu: 2 alarms\n*north*\nnorth-1\n*south*\nsouth-1",
    "blocks":[
      {"type":"header","text":{"type":"plain_text","text":"[warning] cpu: 2 alarms"}},
      {"type":"section","text":{"type":"mrkdwn","text":"*north*\nnorth-1"}},
      {"type":"section","text":{"type":"mrkdwn","text":"*south*\nsouth-1"}}]})"));
}

TEST(Slack, EscapesTheThreeCharactersOfValues) {
  const auto digest = make_digest({make_alarm("<!channel>&")});
  const auto body = parse_json(slack_post(digest).body);
  EXPECT_EQ((*body["blocks"].as_array())[1]["text"]["text"],
            Json("&lt;!channel&gt;&amp;:cpu: usage is 95, expected &lt; 90"));
}

TEST(Slack, StaysWithinTheLimitsOfBlocksAndTexts) {
  MessageStyle style;
  style.max_rows = 5000;
  style.group_by = GroupBy{"host", "", 4};
  for (const auto& digest : {make_digest(many_alarms(5000), style),
                             make_digest(many_alarms(900, std::string(500, '&')))}) {
    const auto body = parse_json(slack_post(digest).body);
    const auto& blocks = *body["blocks"].as_array();
    EXPECT_LE(blocks.size(), 50u);
    EXPECT_LE(body["text"].as_string()->size(), 40'000u);
    for (const auto& block : blocks) {
      EXPECT_LE(block["text"]["text"].as_string()->size(), 3000u);
      EXPECT_FALSE(block["text"]["text"].as_string()->empty());
    }
  }
}

TEST(Slack, AcceptedIsABareOk) {
  EXPECT_EQ(judge_slack(chat(), reply(200, "ok"), kNow).kind, Kind::accepted);
  EXPECT_EQ(judge_slack(chat(), reply(200, R"({"ok":false,"error":"no_text"})"), kNow).kind,
            Kind::refused);
}

TEST(Slack, EveryRefusalSaysWhatToDo) {
  const std::vector<std::pair<int, std::string>> refusals = {
      {400, "invalid_payload"},   {400, "no_text"},       {400, "invalid_blocks"},
      {403, "action_prohibited"}, {403, "invalid_token"}, {404, "channel_not_found"},
      {404, "no_service"},        {404, "no_team"},       {410, "channel_is_archived"},
      {400, "something_new"}};
  for (const auto& [status, word] : refusals) {
    const auto answer = judge_slack(chat(), reply(status, word), kNow);
    EXPECT_EQ(answer.kind, Kind::refused) << word;
    EXPECT_NE(answer.text.find(word), std::string::npos);
    EXPECT_NE(answer.text.find("; "), std::string::npos) << answer.text;
  }
}

TEST(Slack, ComesBackAfterARateLimitOrATrouble) {
  const auto limited = judge_slack(chat(), reply(429, "", {{"Retry-After", "30"}}), kNow);
  EXPECT_EQ(limited.kind, Kind::again);
  EXPECT_EQ(limited.after, 30s);
  EXPECT_EQ(judge_slack(chat(), reply(500, "rollup_error"), kNow).kind, Kind::again);
}

}  // namespace
}  // namespace celeriac::alerts
