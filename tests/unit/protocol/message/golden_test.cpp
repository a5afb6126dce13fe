// What Celery itself wrote (tests/golden/messages.json) is read, and written again
// byte for byte.
#include <celeriac/json.h>
#include <celeriac/typed_json.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "protocol/message/result.h"
#include "protocol/message/retry.h"
#include "protocol/message/task_message.h"
#include "protocol/serialization/compression.h"
#include "protocol/serialization/serializer.h"

namespace celeriac::protocol {
namespace {

const Json& golden() {
  static const Json json = [] {
    std::ifstream file(CELERIAC_GOLDEN_FOLDER "/messages.json");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return parse_json(text);
  }();
  return json;
}

Timestamp recorded_at() {
  return *parse_iso8601(*golden()["now"].as_string());
}

// A recorded message as it would be delivered.
struct Recorded {
  Properties properties;
  std::string body;
};

Recorded recorded(const Json& json) {
  const Json& from = json["properties"];
  Recorded message;
  message.properties.content_type = from["content_type"].string_or("");
  message.properties.content_encoding = from["content_encoding"].string_or("");
  message.properties.correlation_id = from["correlation_id"].string_or("");
  message.properties.reply_to = from["reply_to"].string_or("");
  message.properties.expiration = from["expiration"].string_or("");
  message.properties.delivery_mode = static_cast<std::uint8_t>(*from["delivery_mode"].as_int());
  message.properties.priority = static_cast<std::uint8_t>(*from["priority"].as_int());
  message.properties.headers = *json["headers"].as_object();
  message.body = *bytes_from_json(typed_json("base64", json["body"]));
  return message;
}

const AcceptedContent kAll{{"application/json", "application/x-yaml", "application/x-msgpack"}};

TaskMessage decode(Recorded message) {
  return std::get<TaskMessage>(
      decode_task_message(std::move(message.properties), message.body, kAll));
}

// Properties as text, for a difference that can be read; the order of members counts.
std::string text_of(const Properties& p) {
  return dump_json(Json::array({p.content_type, p.content_encoding, p.correlation_id, p.reply_to,
                                p.expiration, int{*p.delivery_mode}, int{*p.priority}, p.headers}));
}

void expect_same(const EncodedMessage& ours, const Recorded& theirs) {
  EXPECT_EQ(text_of(ours.properties), text_of(theirs.properties));
  EXPECT_EQ(ours.body, theirs.body);
}

TEST(Golden, CallsAreReadAndWrittenByteForByte) {
  for (const auto& [name, json] : *golden()["calls"].as_object()) {
    SCOPED_TRACE(name);
    const Recorded theirs = recorded(json);
    expect_same(encode_task_message(decode(theirs), {}, recorded_at()), theirs);
  }
}

TEST(Golden, ArgumentsAreShownAsPythonShowsThem) {
  for (const auto& [name, json] : *golden()["calls"].as_object()) {
    TaskMessage message = decode(recorded(json));
    EXPECT_EQ(python_repr_tuple(message.args), message.argsrepr) << name;
    EXPECT_EQ(python_repr(Json(message.kwargs)), message.kwargsrepr) << name;
  }
}

TEST(Golden, EverySerializerAndCompressionIsReadAndWritten) {
  for (const auto& [name, json] : *golden()["serializers"].as_object()) {
    SCOPED_TRACE(name);
    const Recorded theirs = recorded(json);
    const TaskMessage message = decode(theirs);
    EXPECT_EQ(dump_json(message.args),
              dump_json(decode(recorded(golden()["serializers"]["json None"])).args));
    Encoding encoding;
    encoding.serializer = name.substr(0, name.find(' '));
    if (!name.ends_with(" None")) encoding.compression = name.substr(name.find(' ') + 1);
    const EncodedMessage ours = encode_task_message(message, encoding, recorded_at());
    EXPECT_EQ(text_of(ours.properties), text_of(theirs.properties));
    // Versions of a compressor differ in their bytes, and YAML has many forms.
    const auto plain = [&](const std::string& body) {
      return encoding.compression.empty() ? body : decompress(body, encoding.compression);
    };
    if (encoding.serializer == "yaml") {
      const auto& type = theirs.properties.content_type;
      EXPECT_EQ(deserialize(type, plain(ours.body)), deserialize(type, plain(theirs.body)));
    } else {
      EXPECT_EQ(plain(ours.body), plain(theirs.body));
    }
  }
}

TEST(Golden, Protocol1MeansWhatProtocol2Means) {
  TaskMessage message = decode(recorded(golden()["protocol 1"]["plain"]));
  message.origin = "gen19211@host1";  // protocol 1 has neither this nor the next
  message.ignore_result = false;
  expect_same(encode_task_message(message, {}, recorded_at()),
              recorded(golden()["calls"]["plain"]));
}

TEST(Golden, Protocol1HasItsOptionsInTheBody) {
  const TaskMessage message = decode(recorded(golden()["protocol 1"]["all options"]));
  EXPECT_EQ(message.protocol, 1);
  EXPECT_EQ(message.args, Json::Array{1});
  EXPECT_EQ(message.kwargs, (JsonObject{{"y", 2}}));
  EXPECT_EQ(message.eta_text, "2026-11-23T00:36:42.364875+00:00");
  EXPECT_EQ(message.expires_text, "2026-11-23T00:37:32.364875+00:00");
  EXPECT_EQ(message.timelimit, (TimeLimits{9, 8}));
  EXPECT_EQ(message.retries, 1);
  EXPECT_EQ(message.group, "G-1");
  EXPECT_EQ(message.group_index, 2);
  EXPECT_EQ(message.callbacks.as_array()->size(), 1U);
  EXPECT_EQ(message.chord["task"], Json("wapp.add"));
  EXPECT_EQ(message.headers, (JsonObject{{"x-custom", "v"}}));
  EXPECT_EQ(message.argsrepr, "(1,)");
}

TEST(Golden, RetriesArePublishedAsCeleryPublishesThem) {
  for (const auto& [name, json] : *golden()["retries"].as_object()) {
    SCOPED_TRACE(name);
    const Recorded theirs = recorded(json["published"]);
    RetryOverrides overrides;
    if (const std::string* eta = json["published"]["headers"]["eta"].as_string()) {
      overrides.options.set("eta", *eta);
    }
    if (name == "at once, other arguments") {
      overrides.args = Json::Array{1, 2};
      overrides.kwargs = JsonObject{{"k", 3}};
    }
    const TaskMessage retry =
        retry_message(decode(recorded(json["received"])), overrides, Timestamp{});
    expect_same(encode_task_message(retry, {}, recorded_at()), theirs);
  }
}

TEST(Golden, ResultsAreReadAndWrittenByteForByte) {
  for (const auto& [name, document] : *golden()["results"].as_object()) {
    const std::string& theirs = *document.as_string();
    EXPECT_EQ(encode_result(decode_result(theirs)), theirs) << name;
  }
}

}  // namespace
}  // namespace celeriac::protocol
