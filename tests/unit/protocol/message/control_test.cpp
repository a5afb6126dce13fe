#include "protocol/message/control.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

ControlRequest decode(std::string_view body, JsonObject headers = {}) {
  Properties properties;
  properties.content_type = "application/json";
  properties.headers = std::move(headers);
  return decode_control_request(properties, body, {"application/json"});
}

TEST(ControlRequest, ReadsWhatACeleryClientSends) {
  const ControlRequest request = decode(
      R"({"method": "rate_limit", "arguments": {"task_name": "t", "rate_limit": "1/s"},
          "destination": ["w1@h"], "pattern": null, "matcher": null, "ticket": "1e0e",
          "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "oid"}})",
      {{"clock", 7}, {"expires", 1795394237.25}});
  EXPECT_EQ(request.method, "rate_limit");
  EXPECT_EQ(request.arguments, (JsonObject{{"task_name", "t"}, {"rate_limit", "1/s"}}));
  EXPECT_EQ(request.destination, std::vector<std::string>{"w1@h"});
  EXPECT_EQ(request.ticket, "1e0e");
  EXPECT_EQ(request.reply_exchange, "reply.celery.pidbox");
  EXPECT_EQ(request.reply_routing_key, "oid");
  EXPECT_EQ(request.clock, 7);
}

TEST(ControlRequest, MayWantNoReply) {
  const ControlRequest request = decode(R"({"method": "ping", "unknown": 1})");
  EXPECT_EQ(request.reply_exchange, "");
  EXPECT_FALSE(request.destination);
  EXPECT_TRUE(is_addressed_to(request, "any@h"));
}

TEST(ControlRequest, RefusesWhatIsNone) {
  for (const char* body :
       {"", "1", "[]", "{}", "{", R"({"method": 1})", R"({"method": "m", "arguments": [1]})",
        R"({"method": "m", "destination": 3})", R"({"method": "m", "pattern": 3})",
        R"({"method": "m", "reply_to": {"exchange": 3}})"}) {
    EXPECT_THROW(decode(body), MessageError) << body;
  }
  Properties pickled;
  pickled.content_type = "application/x-python-serialize";
  EXPECT_THROW(decode_control_request(pickled, "x", {"application/json"}), MessageError);
}

bool addressed(std::string pattern, std::string matcher, std::string_view node) {
  ControlRequest request;
  request.pattern = std::move(pattern);
  request.matcher = std::move(matcher);
  return is_addressed_to(request, node);
}

TEST(ControlRequest, DestinationWinsOverPattern) {
  ControlRequest request;
  request.destination = {"w1@h"};
  request.pattern = "*";
  request.matcher = "glob";
  EXPECT_TRUE(is_addressed_to(request, "w1@h"));
  EXPECT_FALSE(is_addressed_to(request, "w2@h"));
}

TEST(ControlRequest, GlobsMatchAsFnmatch) {
  EXPECT_TRUE(addressed("*", "glob", "w1@h"));
  EXPECT_TRUE(addressed("w?@*", "glob", "w1@host"));
  EXPECT_FALSE(addressed("w?@*", "glob", "w12@host"));
  EXPECT_TRUE(addressed("w[1-3]@h", "glob", "w2@h"));
  EXPECT_FALSE(addressed("w[!1-3]@h", "glob", "w2@h"));
  EXPECT_TRUE(addressed("w[]a]@h", "glob", "w]@h"));
  EXPECT_TRUE(addressed("w[@h", "glob", "w[@h"));
  EXPECT_TRUE(addressed("*a*b*", "glob", "xxaxxbxx"));
  EXPECT_FALSE(addressed("*a*b*", "glob", "xxbxxaxx"));
  EXPECT_TRUE(addressed("w1@h**", "glob", "w1@h"));
  EXPECT_FALSE(addressed("w1", "glob", "w1@h"));
}

TEST(ControlRequest, ManyStarsTakeNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(addressed(pattern + "b", "glob", std::string(5000, 'a')));
}

TEST(ControlRequest, RegularExpressionsMatchFromTheStart) {
  EXPECT_TRUE(addressed("w\\d", "pcre", "w1@h"));
  EXPECT_FALSE(addressed("1@h", "pcre", "w1@h"));
  EXPECT_TRUE(addressed(".*1@h", "pcre", "w1@h"));
  EXPECT_FALSE(addressed("(", "pcre", "w1@h"));
}

TEST(ControlRequest, AnUnknownMatcherMatchesNothing) {
  EXPECT_FALSE(addressed("*", "x", "w1@h"));
}

TEST(ControlReply, IsKeyedByTheNode) {
  ControlRequest request;
  request.ticket = "T-1";
  const EncodedMessage reply =
      encode_control_reply(request, "w1@host1", Json::object({{"ok", "pong"}}), 98);
  EXPECT_EQ(reply.body, R"({"w1@host1": {"ok": "pong"}})");
  EXPECT_EQ(dump_json(reply.properties.headers), R"({"ticket": "T-1", "clock": 98})");
  EXPECT_EQ(reply.properties.delivery_mode, 1);
}

}  // namespace
}  // namespace celeriac::protocol
