#include "protocol/message/retry.h"

#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

TaskMessage received() {
  TaskMessage message;
  message.task = "wapp.add";
  message.id = "P-retry";
  message.args = {1};
  message.kwargs = {{"k", 2}};
  message.argsrepr = "(1,)";
  message.shadow = "sh";
  message.root_id = "R";
  message.origin = "gen1@host1";
  message.timelimit = {90, 80};
  message.expires_text = "2026-11-23T01:04:53.228755+02:00";
  message.expires = parse_iso8601(*message.expires_text);
  message.eta_text = "2026-11-23T00:00:00+00:00";
  message.eta = parse_iso8601(*message.eta_text);
  message.chain = Json::array({Json::object({{"task", "next"}})});
  message.chord = Json::object({{"task", "body"}});
  message.group = "G";
  message.group_index = 4;
  message.ignore_result = true;
  message.stamped_headers = {"team"};
  message.stamps = {{"team", "red"}};
  message.headers = {{"x-custom", "v"}, {"x-death", Json::array()}, {"x-delivery-count", 3}};
  message.reply_to = "rq";
  message.correlation_id = "other";
  message.priority = 4;
  message.properties.content_type = "application/x-msgpack";
  message.protocol = 1;
  return message;
}

TEST(Retry, IsTheSameTaskOneTryFurther) {
  const TaskMessage retry = retry_message(received(), {}, Timestamp{});
  EXPECT_EQ(retry.id, "P-retry");
  EXPECT_EQ(retry.retries, 1);
  EXPECT_EQ(retry.protocol, 2);
  EXPECT_EQ(retry.shadow, "sh");
  EXPECT_EQ(retry.root_id, "R");
  EXPECT_EQ(retry.origin, "gen1@host1");
  EXPECT_EQ(retry.timelimit, (TimeLimits{90, 80}));
  EXPECT_EQ(retry.expires_text, "2026-11-23T01:04:53.228755+02:00");
  EXPECT_EQ(retry.chain, received().chain);
  EXPECT_EQ(retry.chord, received().chord);
  EXPECT_EQ(retry.group, "G");
  EXPECT_EQ(retry.group_index, 4);
  EXPECT_EQ(retry.ignore_result, true);
  EXPECT_EQ(retry.stamps, received().stamps);
  EXPECT_EQ(retry.reply_to, "rq");
  EXPECT_EQ(retry.priority, 4);
  EXPECT_EQ(retry.properties, Properties{});
  EXPECT_EQ(encode_task_message(retry, {}, Timestamp{}).properties.correlation_id, "P-retry");
}

TEST(Retry, DropsTheHeadersOfTheBroker) {
  EXPECT_EQ(retry_message(received(), {}, Timestamp{}).headers, (JsonObject{{"x-custom", "v"}}));
}

TEST(Retry, IsDueWhenTheOverrideSays) {
  EXPECT_EQ(retry_message(received(), {}, Timestamp{}).eta, std::nullopt);
  RetryOverrides overrides;
  overrides.options.set("eta", "2027-01-01T00:00:00+00:00");
  const auto encoded =
      encode_task_message(retry_message(received(), overrides, Timestamp{}), {}, Timestamp{});
  EXPECT_EQ(encoded.properties.headers.find("eta")->string_or(""), "2027-01-01T00:00:00+00:00");
}

TEST(Retry, MayChangeTheArguments) {
  RetryOverrides overrides;
  overrides.args = Json::Array{7, 8};
  const TaskMessage retry = retry_message(received(), overrides, Timestamp{});
  EXPECT_EQ(retry.args, (Json::Array{7, 8}));
  EXPECT_EQ(retry.kwargs, (JsonObject{{"k", 2}}));
  const auto encoded = encode_task_message(retry, {}, Timestamp{});
  EXPECT_EQ(encoded.properties.headers.find("argsrepr")->string_or(""), "(7, 8)");
}

TEST(Retry, TakesTheOptionsOfTheCall) {
  RetryOverrides overrides;
  overrides.options = {
      {"expires", 60},     {"time_limit", 30.0},
      {"priority", 7},     {"link", Json::array({Json::object({{"task", "next"}})})},
      {"shadow", "other"}, {"ignore_result", false}};
  const PublishTask retry = retry_to_publish(received(), overrides, Timestamp{});
  EXPECT_EQ(retry.message.expires, Timestamp(std::chrono::seconds(60)));
  EXPECT_EQ(retry.message.expires_text, std::nullopt);
  EXPECT_EQ(retry.message.timelimit, (TimeLimits{30, 80}));
  EXPECT_EQ(retry.message.callbacks, Json::array({Json::object({{"task", "next"}})}));
  EXPECT_EQ(retry.message.shadow, "other");
  EXPECT_EQ(retry.message.ignore_result, false);
  EXPECT_EQ(retry.routing.priority, 7);
}

TEST(Retry, MayReplaceTheHeadersButForTheTraceContext) {
  TaskMessage message = received();
  message.headers.set("traceparent", "00-1-2-01");
  RetryOverrides overrides;
  overrides.options = {{"headers", Json::object({{"x-new", 1}})}};
  EXPECT_EQ(retry_message(message, overrides, Timestamp{}).headers,
            (JsonObject{{"traceparent", "00-1-2-01"}, {"x-new", 1}}));
}

TEST(RetryRouting, CompletesTheWayThatIsAskedFor) {
  const DeliveryInfo direct{"", "celery", "celery", false};
  const DeliveryInfo topic{"tasks", "a.b", "q", false};
  EXPECT_FALSE(retry_routing({}, direct));
  RoutingOptions asked;
  asked.routing_key = "c.d";
  EXPECT_EQ(retry_routing(asked, topic)->exchange, "tasks");
  EXPECT_EQ(retry_routing(asked, topic)->routing_key, "c.d");
  EXPECT_EQ(retry_routing(asked, direct)->queue, "celery");
  asked.queue = "other";
  EXPECT_EQ(retry_routing(asked, topic)->exchange, std::nullopt);
}

TEST(Retry, IsItsOwnParentIfItHadNone) {
  TaskMessage message = received();
  EXPECT_EQ(retry_message(message, {}, Timestamp{}).parent_id, "P-retry");
  message.parent_id = "P";
  message.root_id = "";
  EXPECT_EQ(retry_message(message, {}, Timestamp{}).parent_id, "P");
  EXPECT_EQ(retry_message(message, {}, Timestamp{}).root_id, "P-retry");
}

TEST(RetryRoute, IsTheWayTheMessageCame) {
  const RetryRoute direct = retry_route({"", "celery", "celery", false});
  EXPECT_EQ(direct.exchange, "");
  EXPECT_EQ(direct.routing_key, "celery");
  const RetryRoute topic = retry_route({"tasks", "a.b", "q", true});
  EXPECT_EQ(topic.exchange, "tasks");
  EXPECT_EQ(topic.routing_key, "a.b");
}

TEST(RetryRoute, LeavesTheLevelsOfADelayBehind) {
  std::string key;
  for (int level = 0; level < 28; ++level) key += level % 3 == 0 ? "1." : "0.";
  const RetryRoute known = retry_route({"celery_delayed_delivery", key + "a.b", "q", false});
  EXPECT_EQ(known.exchange, "");
  EXPECT_EQ(known.routing_key, "q");
  EXPECT_EQ(retry_route({"celery_delayed_delivery", key + "a.b", "", false}).routing_key, "a.b");
  const std::string short_key = key.substr(2) + "a.b";
  EXPECT_EQ(retry_route({"x", short_key, "q", false}).routing_key, short_key);
}

}  // namespace
}  // namespace celeriac::protocol
