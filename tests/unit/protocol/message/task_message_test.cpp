#include "protocol/message/task_message.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include "protocol/serialization/compression.h"

namespace celeriac::protocol {
namespace {

constexpr const char* kBody = R"([[2, 3], {"k": 1}, {"callbacks": null, "errbacks": null, )"
                              R"("chain": null, "chord": null}])";

Properties json_properties(JsonObject headers) {
  Properties properties;
  properties.content_type = "application/json";
  properties.content_encoding = "utf-8";
  properties.headers = std::move(headers);
  return properties;
}

JsonObject with(JsonObject object, const char* name, Json value) {
  object.set(name, std::move(value));
  return object;
}

JsonObject headers_with(const char* name, Json value) {
  return with({{"lang", "py"}, {"task", "add"}, {"id", "T-1"}}, name, std::move(value));
}

const JsonObject kMinimal{{"task", "add"}, {"id", "T-1"}};

TaskMessage decode(const Properties& properties, std::string_view body,
                   const AcceptedContent& accepted = {}) {
  return std::get<TaskMessage>(decode_task_message(Properties(properties), body, accepted));
}

TaskMessage decode_v1(std::string_view body) {
  return decode(json_properties({}), body);
}

// The kind and text of the refusal; an accepted message fails the test.
std::string refusal(const Properties& properties, std::string_view body,
                    MessageError::Kind kind = MessageError::Kind::invalid) {
  try {
    decode_task_message(Properties(properties), body, {});
  } catch (const MessageError& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << body;
  return "";
}

std::string refused_header(const char* name, Json value) {
  return refusal(json_properties(headers_with(name, std::move(value))), kBody);
}

TEST(TaskMessage, NeedsOnlyATaskAndAnId) {
  const TaskMessage message = decode(json_properties(kMinimal), "[[], {}, null]");
  EXPECT_EQ(message.task, "add");
  EXPECT_EQ(message.id, "T-1");
  EXPECT_EQ(message.name(), "add");
  EXPECT_EQ(message.protocol, 2);
  EXPECT_EQ(message.retries, 0);
  EXPECT_EQ(message.timelimit, TimeLimits{});
  EXPECT_TRUE(message.args.empty());
  EXPECT_TRUE(message.chain.is_null());
  EXPECT_EQ(message.ignore_result, std::nullopt);
  EXPECT_EQ(message.argsrepr, "");
}

TEST(TaskMessage, ReadsEveryHeader) {
  Properties properties = json_properties({{"lang", "py"},
                                           {"task", "add"},
                                           {"id", "T-1"},
                                           {"shadow", "sh"},
                                           {"eta", "2026-11-23T00:36:42.364875+00:00"},
                                           {"expires", "2026-11-23T01:00:00+00:00"},
                                           {"group", "G-1"},
                                           {"group_index", 3},
                                           {"retries", 2},
                                           {"timelimit", Json::array({30, 1.5})},
                                           {"root_id", "R"},
                                           {"parent_id", "P"},
                                           {"argsrepr", "(2, 3)"},
                                           {"kwargsrepr", "{}"},
                                           {"origin", "gen1@h"},
                                           {"ignore_result", true},
                                           {"replaced_task_nesting", 1},
                                           {"stamped_headers", Json::array({"team"})},
                                           {"stamps", Json::object({{"team", "red"}})},
                                           {"x-custom", "v"}});
  properties.reply_to = "rq";
  properties.correlation_id = "T-1";
  properties.priority = 5;
  const TaskMessage message = decode(properties, kBody);
  EXPECT_EQ(message.name(), "sh");
  EXPECT_EQ(to_iso8601(*message.eta), "2026-11-23T00:36:42.364875+00:00");
  EXPECT_EQ(message.expires_text, "2026-11-23T01:00:00+00:00");
  EXPECT_EQ(message.group, "G-1");
  EXPECT_EQ(message.group_index, 3);
  EXPECT_EQ(message.retries, 2);
  EXPECT_EQ(message.timelimit.hard, 30);
  EXPECT_EQ(message.timelimit.soft, 1.5);
  EXPECT_EQ(message.root_id, "R");
  EXPECT_EQ(message.parent_id, "P");
  EXPECT_EQ(message.argsrepr, "(2, 3)");
  EXPECT_EQ(message.kwargsrepr, "{}");
  EXPECT_EQ(message.origin, "gen1@h");
  EXPECT_EQ(message.ignore_result, true);
  EXPECT_EQ(message.replaced_task_nesting, 1);
  EXPECT_EQ(message.stamped_headers, std::vector<std::string>{"team"});
  EXPECT_EQ(message.stamps, (JsonObject{{"team", "red"}}));
  EXPECT_EQ(message.headers, (JsonObject{{"x-custom", "v"}}));
  EXPECT_EQ(message.reply_to, "rq");
  EXPECT_EQ(message.correlation_id, "T-1");
  EXPECT_EQ(message.priority, 5);
  EXPECT_EQ(message.args, (Json::Array{2, 3}));
  EXPECT_EQ(message.kwargs, (JsonObject{{"k", 1}}));
  EXPECT_EQ(message.properties, properties);
}

TEST(TaskMessage, TakesTheNestedHeadersTableForTheCustomHeaders) {
  JsonObject headers = headers_with("headers", Json::object({{"a", 1}}));
  headers.set("x-other", 2);
  EXPECT_EQ(decode(json_properties(headers), kBody).headers, (JsonObject{{"a", 1}}));
}

TEST(TaskMessage, ReadsATimeThatTheBrokerTyped) {
  const Json typed =
      Json::object({{"__type__", "datetime"}, {"__value__", "2026-01-02T03:04:05+00:00"}});
  const TaskMessage message = decode(json_properties(headers_with("eta", typed)), kBody);
  EXPECT_EQ(message.eta_text, "2026-01-02T03:04:05+00:00");
}

TEST(TaskMessage, ReadsProtocol1) {
  const TaskMessage message = decode_v1(
      R"({"task": "add", "id": "P1", "args": [1, 2], "kwargs": {}, "group": null, "group_index": 1,
          "retries": 1, "eta": "2026-11-23T00:59:08.052662+00:00", "expires": null, "utc": true,
          "callbacks": [{"task": "cb"}], "errbacks": null, "timelimit": [9, 8],
          "taskset": "G", "chord": {"task": "body"}})");
  EXPECT_EQ(message.protocol, 1);
  EXPECT_EQ(message.task, "add");
  EXPECT_EQ(message.id, "P1");
  EXPECT_EQ(message.args, (Json::Array{1, 2}));
  EXPECT_EQ(message.argsrepr, "(1, 2)");
  EXPECT_EQ(message.kwargsrepr, "{}");
  EXPECT_EQ(message.group, "G");
  EXPECT_EQ(message.group_index, 1);
  EXPECT_EQ(message.retries, 1);
  EXPECT_EQ(message.timelimit.hard, 9);
  EXPECT_EQ(message.timelimit.soft, 8);
  EXPECT_EQ(dump_json(message.callbacks), R"([{"task": "cb"}])");
  EXPECT_EQ(message.chord["task"], Json("body"));
  EXPECT_TRUE(message.chain.is_null());
  EXPECT_EQ(message.root_id, "");
}

TEST(TaskMessage, ReadsAProtocol1BodyOfTheLeast) {
  const TaskMessage message = decode_v1(R"({"task": "add", "id": "P1"})");
  EXPECT_TRUE(message.args.empty());
  EXPECT_EQ(message.argsrepr, "()");
}

TEST(TaskMessage, ReadsTheHybridWithHeadersFirst) {
  JsonObject headers{{"task", "add"}, {"id", "H"}, {"retries", 4}};
  const TaskMessage message =
      decode(json_properties(headers),
             R"({"task": "other", "id": "B", "args": [1], "kwargs": {"a": 2}, "shadow": "s"})");
  EXPECT_EQ(message.task, "add");
  EXPECT_EQ(message.id, "H");
  EXPECT_EQ(message.retries, 4);
  EXPECT_EQ(message.shadow, "s");
  EXPECT_EQ(message.args, (Json::Array{1}));
}

TEST(TaskMessage, IsUnknownWithoutATaskName) {
  for (const char* body : {"{}", "[]", "1", "\"text\"", R"({"id": "x"})", R"([[], {}, {}])"}) {
    EXPECT_TRUE(
        std::holds_alternative<UnknownMessage>(decode_task_message(json_properties({}), body, {})))
        << body;
  }
  EXPECT_TRUE(std::holds_alternative<UnknownMessage>(decode_task_message({}, "", {})));
}

// Each of these ends Celery's worker (wire page, section 15).
TEST(TaskMessage, RefusesWhatKillsThePythonWorker) {
  EXPECT_EQ(refusal(json_properties({{"task", "add"}}), kBody), "the message has no task id");
  for (const char* body : {"[[], {}]", "[[], {}, {}, {}]", "[]", "{}", "3", "null", "\"abc\""}) {
    EXPECT_EQ(refusal(json_properties(kMinimal), body),
              "the body must be an array of args, kwargs and embed");
  }
  Properties untyped = json_properties(kMinimal);
  untyped.content_type = "";
  refusal(untyped, kBody);
  refusal(json_properties(kMinimal), "");
  EXPECT_EQ(refused_header("eta", ""), "invalid ETA value '': not an ISO 8601 time");
  refused_header("timelimit", Json::array({1}));
  EXPECT_EQ(refused_header("stamped_headers", Json::array({"team"})),
            "'stamped_headers' names the stamp 'team', which 'stamps' lacks");
}

TEST(TaskMessage, RefusesPartsOfTheWrongShape) {
  for (const char* body :
       {R"(["ab", {}, {}])", R"([null, {}, {}])", R"([{}, {}, {}])", R"([[], [], {}])",
        R"([[], null, {}])", R"([[], {}, []])", R"([[], {}, {"chain": {}}])",
        R"([[], {}, {"callbacks": "x"}])", R"([[], {}, {"chord": []}])"}) {
    refusal(json_properties(kMinimal), body);
  }
  EXPECT_EQ(refusal(json_properties({}), R"({"task": "t", "id": "i", "kwargs": []})"),
            "Task keyword arguments must be a mapping");
}

TEST(TaskMessage, RefusesHeadersOfTheWrongType) {
  for (const char* name : {"task", "id", "shadow", "group", "root_id", "parent_id", "argsrepr",
                           "kwargsrepr", "origin"}) {
    EXPECT_EQ(refused_header(name, 7), "'" + std::string(name) + "' must be a text");
    EXPECT_NE(refused_header(name, "\xFF"), "");
  }
  for (const char* name : {"retries", "group_index", "replaced_task_nesting"}) {
    EXPECT_EQ(refused_header(name, "x"), "'" + std::string(name) + "' must be an integer");
    refused_header(name, 1.5);
    refused_header(name, BigInteger{"99999999999999999999"});
  }
  refused_header("eta", 5);
  refused_header("eta", "not-a-date");
  EXPECT_EQ(refused_header("expires", "zz"), "invalid expires value 'zz': not an ISO 8601 time");
  refused_header("timelimit", "5");
  refused_header("timelimit", Json::array({1, "2"}));
  refused_header("timelimit", Json::array({1, 2, 3}));
  refused_header("ignore_result", "yes");
  refused_header("stamped_headers", "team");
  refused_header("stamped_headers", Json::array({1}));
  refused_header("stamps", Json::array());
}

TEST(TaskMessage, TakesVoidHeadersForAbsentOnes) {
  for (const char* name : {"shadow", "eta", "expires", "group", "group_index", "retries",
                           "timelimit", "root_id", "parent_id", "argsrepr", "kwargsrepr", "origin",
                           "ignore_result", "replaced_task_nesting", "stamped_headers", "stamps"}) {
    EXPECT_EQ(decode(json_properties(headers_with(name, nullptr)), kBody).id, "T-1") << name;
  }
}

TEST(TaskMessage, RefusesContentThatIsNotAccepted) {
  Properties properties = json_properties(kMinimal);
  properties.content_type = "application/x-python-serialize";
  constexpr const char* kRefusal =
      "Refusing to deserialize untrusted content of type pickle (application/x-python-serialize)";
  EXPECT_EQ(refusal(properties, "\x80\x04."), kRefusal);
  AcceptedContent with_pickle{{"application/json", "application/x-python-serialize"}};
  EXPECT_THROW(decode_task_message(Properties(properties), "\x80\x04.", with_pickle), MessageError);
  properties.headers = {};
  EXPECT_EQ(refusal(properties, "\x80\x04.", MessageError::Kind::undecodable), kRefusal);
  properties.content_type = "foo/bar";
  EXPECT_EQ(refusal(properties, "x", MessageError::Kind::undecodable),
            "Refusing to deserialize untrusted content of type foo/bar (foo/bar)");
}

TEST(TaskMessage, IsUndecodableIfItsBodyIs) {
  const auto kind = MessageError::Kind::undecodable;
  refusal(json_properties(kMinimal), "{not json", kind);
  refusal(json_properties({}), "{not json", kind);
  refusal(json_properties(headers_with("compression", "application/x-nothing")), kBody, kind);
  refusal(json_properties(headers_with("compression", "gzip")), kBody, kind);
}

TEST(TaskMessage, IsRefusedWhereverItsBodyIsCut) {
  const std::string body = kBody;
  for (std::size_t length = 1; length < body.size(); ++length) {
    refusal(json_properties(kMinimal), body.substr(0, length), MessageError::Kind::undecodable);
  }
}

TEST(TaskMessage, IsReadFromEveryCompression) {
  for (const char* codec : {"gzip", "zlib", "application/x-gzip", "bzip2", "bzip", "lzma", "xz",
                            "zstd", "zstandard", "application/zstd"}) {
    const TaskMessage message =
        decode(json_properties(headers_with("compression", codec)), compress(kBody, codec));
    EXPECT_EQ(message.args, (Json::Array{2, 3})) << codec;
    EXPECT_TRUE(message.headers.empty());
  }
}

TEST(TaskMessage, ReadsBackEqualFromEverySerializer) {
  TaskMessage message;
  message.task = "add";
  message.id = "T-1";
  message.args = {1, 2.5, "é", nullptr, true};
  message.kwargs = {{"a", Json::array({1})}};
  message.chain = Json::array({Json::object({{"task", "next"}})});
  message.headers = {{"x-custom", "v"}};
  message.expires = parse_iso8601("2026-01-01T00:01:00");
  for (const char* serializer : {"json", "yaml", "msgpack"}) {
    const EncodedMessage encoded = encode_task_message(
        message, {.serializer = serializer, .compression = "zstd"}, *parse_iso8601("2026-01-01"));
    EXPECT_EQ(encoded.properties.expiration, "60000");
    const TaskMessage read =
        decode(encoded.properties, encoded.body,
               {{"application/json", "application/x-yaml", "application/x-msgpack"}});
    EXPECT_EQ(read.args, message.args) << serializer;
    EXPECT_EQ(read.kwargs, message.kwargs) << serializer;
    EXPECT_EQ(read.chain, message.chain) << serializer;
    EXPECT_EQ(read.headers, message.headers) << serializer;
    EXPECT_EQ(read.root_id, "T-1");
  }
}

TEST(TaskMessage, ExpiredOnesExpireAtOnceInTheBroker) {
  TaskMessage message;
  message.id = "T-1";
  message.expires = parse_iso8601("2026-01-01T00:00:00");
  EXPECT_EQ(encode_task_message(message, {}, *parse_iso8601("2026-01-02")).properties.expiration,
            "0");
}

TEST(TaskMessage, IsWrittenAsCelery5Writes) {
  TaskMessage message;
  message.task = "wapp.add";
  message.id = "T-1";
  message.args = {2, 3};
  message.origin = "gen1@host1";
  message.timelimit = {30, 1.5};
  const EncodedMessage encoded = encode_task_message(message, {}, Timestamp{});
  EXPECT_EQ(encoded.body,
            "[[2, 3], {}, {\"callbacks\": null, \"errbacks\": null, \"chain\": null, \"chord\": "
            "null}]");
  const char* headers =
      R"j({"lang": "py", "task": "wapp.add", "id": "T-1", "shadow": null, "eta": null, )j"
      R"j("expires": null, "group": null, "group_index": null, "retries": 0, )j"
      R"j("timelimit": [30, 1.5], "root_id": "T-1", "parent_id": null, )j"
      R"j("argsrepr": "(2, 3)", "kwargsrepr": "{}", "origin": "gen1@host1", )j"
      R"j("ignore_result": null, "replaced_task_nesting": 0, "stamped_headers": null, )j"
      R"j("stamps": {}})j";
  EXPECT_EQ(dump_json(encoded.properties.headers), headers);
  EXPECT_EQ(encoded.properties.correlation_id, "T-1");
  EXPECT_EQ(encoded.properties.delivery_mode, 2);
  EXPECT_EQ(encoded.properties.content_type, "application/json");
  EXPECT_EQ(encoded.properties.content_encoding, "utf-8");
  EXPECT_EQ(encoded.properties.expiration, "");
}

}  // namespace
}  // namespace celeriac::protocol
