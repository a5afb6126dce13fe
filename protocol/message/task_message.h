// A task message of Celery's protocol 2 or 1, decoded, and its encoding for
// publishing (wire page, section 2).
#pragma once

#include <celeriac/json.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/message/properties.h"
#include "protocol/message/timestamp.h"

namespace celeriac::protocol {

struct TimeLimits {
  std::optional<double> hard;  // seconds
  std::optional<double> soft;
  bool operator==(const TimeLimits&) const = default;
};

// What one message asks for. It owns all it names.
struct TaskMessage {
  std::string task;
  std::string id;
  Json::Array args;
  JsonObject kwargs;
  // The embed part, each null when absent. `chain` is in reverse: the next task is last.
  Json callbacks, errbacks, chain, chord;

  std::string shadow;  // name for logs and events; empty: `task`
  std::optional<Timestamp> eta, expires;
  std::optional<std::string> eta_text, expires_text;  // as received, for passing on
  std::int64_t retries = 0;
  TimeLimits timelimit;
  std::string root_id, parent_id;  // empty: none
  std::string group;
  std::optional<std::int64_t> group_index;
  std::string argsrepr, kwargsrepr;
  std::string origin;
  std::optional<bool> ignore_result;
  std::int64_t replaced_task_nesting = 0;
  std::vector<std::string> stamped_headers;
  JsonObject stamps;
  JsonObject headers;  // custom headers: the nested `headers` table, else the unknown members
  // The unknown members beside a nested table. Sentry and Datadog write both and read the nested
  // one.
  std::optional<JsonObject> headers_beside;

  std::string reply_to, correlation_id;
  std::optional<std::uint8_t> priority;
  Properties properties;  // as received
  int protocol = 2;

  const std::string& name() const { return shadow.empty() ? task : shadow; }
};

// A message that names no task: Celery rejects it ("Wrong destination?!?").
struct UnknownMessage {};

// True for protocol 2 and its hybrid with 1: the header `task` is the name, and a
// worker that has no such task need not decode the body.
bool names_its_task(const Properties& properties);

// Which content a worker accepts: MIME types (application/json …).
struct AcceptedContent {
  std::vector<std::string> content_types{"application/json"};
};

// Decodes one delivery. Throws MessageError: `undecodable` for a body or
// compression that cannot be read, `invalid` for refused content, bad eta or
// expires, a missing id, or a wrong shape (all of the crash list, section 15).
// The properties are moved into the message, unless it throws.
std::variant<TaskMessage, UnknownMessage> decode_task_message(Properties&& properties,
                                                              std::string_view body,
                                                              const AcceptedContent& accepted);

// How a message is written.
struct Encoding {
  std::string serializer = "json";  // json, yaml or msgpack
  std::string compression;          // "", gzip, bzip2, lzma, zstd
};

struct EncodedMessage {
  Properties properties;
  std::string body;
};

// The protocol 2 form of a message: headers, properties and body as Celery 5
// writes them. `now` decides the `expiration` property.
EncodedMessage encode_task_message(const TaskMessage& message, const Encoding& encoding,
                                   Timestamp now);

}  // namespace celeriac::protocol
