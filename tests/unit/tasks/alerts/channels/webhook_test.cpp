#include "tasks/alerts/channels/webhook.h"

#include <celeriac/json.h>
#include <gtest/gtest.h>

#include "tests/unit/tasks/alerts/alarms.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

const Time kNow = *parse_time("2026-01-02T03:04:05Z");

Channel hook(std::string secret = "") {
  Channel channel;
  channel.name = "hook";
  channel.kind = Channel::Kind::webhook;
  channel.secret = std::move(secret);
  return channel;
}

TEST(Webhook, SpeaksAlertmanagersPayload) {
  const auto post =
      webhook_post(hook(), make_digest({make_alarm("a", Severity::error)}), "id", kNow);
  const auto body = parse_json(post.body);
  EXPECT_EQ(body["version"], Json("4"));
  EXPECT_EQ(body["status"], Json("firing"));
  EXPECT_EQ(body["receiver"], Json("hook"));
  EXPECT_EQ(body["truncatedAlerts"], Json(0));
  EXPECT_EQ(body["commonLabels"],
            parse_json(R"({"host":"a","alertname":"cpu","severity":"error"})"));
  EXPECT_EQ(body["alerts"].as_array()->front(), parse_json(R"({
    "status":"firing","labels":{"host":"a","alertname":"cpu","severity":"error"},
    "annotations":{"summary":"a:cpu: usage is 95, expected < 90",
                   "description":"usage is 95, expected < 90"},
    "values":{"usage":95},"key":"a:cpu","startsAt":"2026-01-02T03:04:05Z",
    "endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"036cb2742dcca6c6"})"))
      << dump_json(body["alerts"].as_array()->front());
}

TEST(Webhook, CommonLabelsAreThoseThatAllShare) {
  const auto digest = make_digest({make_alarm("a"), make_alarm("b")});
  EXPECT_EQ(parse_json(webhook_post(hook(), digest, "id", kNow).body)["commonLabels"],
            parse_json(R"({"alertname":"cpu","severity":"warning"})"));
}

TEST(Webhook, CarriesItsIdentityAndSignature) {
  const auto digest = make_digest({make_alarm("a")});
  const auto post = webhook_post(hook("Jefe"), digest, "some-id", kNow);
  EXPECT_EQ(*find_header(post.headers, "Idempotency-Key"), "some-id");
  EXPECT_EQ(*find_header(post.headers, "X-Alert-Id"), "some-id");
  EXPECT_TRUE(find_header(post.headers, "X-Signature")->starts_with("sha256="));
  EXPECT_EQ(find_header(webhook_post(hook(), digest, "id", kNow).headers, "X-Signature"), nullptr);
}

TEST(Webhook, CountsWhatItLeavesOut) {
  MessageStyle style;
  style.max_rows = 2;
  const auto body =
      parse_json(webhook_post(hook(), make_digest(many_alarms(5), style), "id", kNow).body);
  EXPECT_EQ(body["alerts"].as_array()->size(), 2u);
  EXPECT_EQ(body["truncatedAlerts"], Json(3));
}

TEST(Webhook, AcceptedIsAnySuccess) {
  for (const int status : {200, 201, 202, 204}) {
    EXPECT_EQ(judge_webhook(hook(), reply(status, ""), kNow).kind, Answer::Kind::accepted);
  }
  EXPECT_EQ(judge_webhook(hook(), reply(401, "no"), kNow).kind, Answer::Kind::refused);
  EXPECT_EQ(judge_webhook(hook(), reply(302, ""), kNow).kind, Answer::Kind::refused);
  const auto busy = judge_webhook(
      hook(), reply(429, "", {{"Retry-After", "Fri, 02 Jan 2026 03:04:15 GMT"}}), kNow);
  EXPECT_EQ(busy.kind, Answer::Kind::again);
  EXPECT_EQ(busy.after, 10s);
}

}  // namespace
}  // namespace celeriac::alerts
