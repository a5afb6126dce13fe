#include "protocol/message/carried_headers.h"

#include <gtest/gtest.h>

#include <chrono>

namespace celeriac::protocol {
namespace {

constexpr Timestamp kNow{std::chrono::milliseconds(1'700'000'000'500)};

// What a message with these headers is once it was sent and received.
TaskMessage received(const JsonObject& headers) {
  Properties properties;
  properties.content_type = "application/json";
  properties.headers = headers;
  properties.headers.set("task", "tasks.add");
  properties.headers.set("id", "T");
  return std::get<TaskMessage>(decode_task_message(std::move(properties), "[[], {}, {}]", {}));
}

JsonObject sent_again(const TaskMessage& message, CustomHeaders headers) {
  TaskMessage next = message;
  next.headers = std::move(headers.headers);
  next.headers_beside = std::move(headers.headers_beside);
  return encode_task_message(next, {}, kNow).properties.headers;
}

TEST(CarriedHeaders, AreAllThatTheSenderAdded) {
  const JsonObject custom{{"traceparent", "00-1-2-01"}, {"baggage", "a=1"}, {"x-custom", 7}};
  const TaskMessage message = received(custom);
  EXPECT_EQ(headers_of_retry(message, kNow).headers, custom);
  EXPECT_EQ(headers_of_child(message, kNow).headers, custom);
}

TEST(CarriedHeaders, AreNotThoseOfTheBroker) {
  for (const char* name :
       {"x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason",
        "x-last-death-exchange", "x-last-death-queue", "x-last-death-reason", "x-delivery-count"}) {
    const TaskMessage message = received({{name, "v"}});
    EXPECT_EQ(headers_of_retry(message, kNow).headers, JsonObject()) << name;
    EXPECT_EQ(headers_of_child(message, kNow).headers, JsonObject()) << name;
  }
}

TEST(CarriedHeaders, DoNotSendAnotherTaskWhereThisOneWasCopiedTo) {
  for (const char* name : {"CC", "BCC", "x-delay"}) {
    const TaskMessage message = received({{name, "v"}});
    EXPECT_EQ(headers_of_child(message, kNow).headers, JsonObject()) << name;
    EXPECT_TRUE(headers_of_retry(message, kNow).headers.contains(name));
  }
}

// Sentry writes its headers beside the table and into it, and reads those in it.
TEST(CarriedHeaders, StayInTheNestedTableAndBesideIt) {
  const Json nested = Json::object({{"sentry-trace", "1-2-1"}, {"tag", "t"}});
  const TaskMessage message =
      received({{"sentry-trace", "1-2-1"}, {"b3", "1"}, {"headers", nested}});
  EXPECT_EQ(Json(message.headers), nested);
  for (const CustomHeaders& carried :
       {headers_of_retry(message, kNow), headers_of_child(message, kNow)}) {
    const JsonObject headers = sent_again(message, carried);
    EXPECT_EQ(*headers.find("headers"), nested);
    EXPECT_EQ(*headers.find("sentry-trace"), Json("1-2-1"));
    EXPECT_EQ(*headers.find("b3"), Json("1"));
    EXPECT_EQ(*headers.find("tag"), Json("t"));
  }
}

TEST(CarriedHeaders, TellSentryWhenThisMessageWasSent) {
  const Json nested = Json::object({{"sentry-task-enqueued-time", 1.5}});
  const TaskMessage message = received({{"sentry-task-enqueued-time", 1.5}, {"headers", nested}});
  const JsonObject headers = sent_again(message, headers_of_retry(message, kNow));
  EXPECT_EQ(*headers.find("sentry-task-enqueued-time"), Json(1'700'000'000.5));
  EXPECT_EQ((*headers.find("headers"))["sentry-task-enqueued-time"], Json(1'700'000'000.5));
}

}  // namespace
}  // namespace celeriac::protocol
