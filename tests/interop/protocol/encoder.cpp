// Writes task messages in every serializer and compression, a result document and an
// event to standard output, as one JSON object with base64 bodies.
#include <celeriac/json.h>
#include <celeriac/signature.h>
#include <celeriac/typed_json.h>

#include <cstdio>

#include "protocol/message/event.h"
#include "protocol/message/result.h"
#include "protocol/message/task_message.h"

using namespace celeriac;
using namespace celeriac::protocol;

namespace {

// What is not text becomes a typed value, which Python reads as bytes.
Json as_bytes(const std::string& body) {
  return bytes_to_json(body);
}

// Values that every serializer can hold, and that a careless one would change.
Json::Array arguments() {
  return {nullptr,
          true,
          -70000,
          1.5,
          1e16,
          1e-5,
          "yes",
          "1",
          "null",
          "2026-01-02",
          "grün \xF0\x9F\x98\x80 \"quoted\" \\ \n\t\x07\x7F",
          Json::array(),
          Json::object(),
          Json::object({{"key: with", Json::array({1, "a"})}, {"", "~"}}),
          bytes_to_json("abc"),
          bytes_to_json("\xFF\xFE"),
          Json::array({1, Json::array({2, Json::array({3})})})};
}

TaskMessage message() {
  TaskMessage message;
  message.task = "wapp.add";
  message.id = "11111111-1111-4111-8111-111111111111";
  message.args = arguments();
  message.kwargs = {{"key", "value"}};
  message.eta = parse_iso8601("2026-11-23T00:36:42.364875+00:00");
  message.timelimit = {30, 1.5};
  message.headers = {{"x-custom", "v"}};
  message.origin = "gen1@host1";
  message.reply_to = "rq";
  message.callbacks = Json::array({Signature("wapp.next", {5}).to_json()});
  return message;
}

Json encoded(const Encoding& encoding) {
  const EncodedMessage encoded = encode_task_message(message(), encoding, Timestamp{});
  return Json::object({{"content_type", encoded.properties.content_type},
                       {"content_encoding", encoded.properties.content_encoding},
                       {"headers", encoded.properties.headers},
                       {"correlation_id", encoded.properties.correlation_id},
                       {"reply_to", encoded.properties.reply_to},
                       {"body", as_bytes(encoded.body)}});
}

std::string failure() {
  ResultDocument document;
  document.status = "FAILURE";
  document.result = ExceptionInfo{"ValueError", {"boom", 1}, "builtins", ""}.to_json();
  document.task_id = "T-1";
  document.date_done = parse_iso8601("2026-11-23T00:36:42+00:00");
  return encode_result(document);
}

}  // namespace

int main() {
  JsonObject messages;
  for (const char* serializer : {"json", "yaml", "msgpack"}) {
    for (const char* compression : {"", "gzip", "bzip2", "lzma", "zstd"}) {
      Encoding encoding;
      encoding.serializer = serializer;
      encoding.compression = compression;
      messages.set(std::string(serializer) + " " + compression, encoded(encoding));
    }
  }
  const Json all = Json::object({{"messages", messages}, {"failure", failure()}});
  std::printf("%s\n", dump_json(all).c_str());
}
