#include "protocol/message/task_message.h"

#include <celeriac/error.h>
#include <celeriac/typed_json.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "protocol/json/utf8.h"
#include "protocol/serialization/compression.h"
#include "protocol/serialization/serializer.h"

// Protocol 2:  headers = {task, id, …}   body = [args, kwargs, embed]
// Protocol 1:  headers = custom ones     body = {task, id, args, kwargs, …}
// Hybrid:      headers = {task, …}       body = {args, kwargs, …}
//
// Celery 5.7: worker/strategy.py proto1_to_proto2 and hybrid_to_proto2,
// worker/request.py Request.__init__, app/amqp.py as_task_v2.

namespace celeriac::protocol {
namespace {

[[noreturn]] void throw_invalid(const std::string& why) {
  throw MessageError(MessageError::Kind::invalid, why);
}

[[noreturn]] void throw_wrong_type(std::string_view field, std::string_view expected) {
  throw_invalid("'" + std::string(field) + "' must be " + std::string(expected));
}

std::string read_text(std::string_view field, const Json& value) {
  if (value.is_null()) return "";
  const std::string* text = value.as_string();
  if (text == nullptr) throw_wrong_type(field, "a text");
  if (find_invalid_utf8(*text)) throw_wrong_type(field, "a text in UTF-8");
  return *text;
}

std::optional<std::int64_t> read_integer(std::string_view field, const Json& value) {
  if (value.is_null()) return std::nullopt;
  if (!value.as_int()) throw_wrong_type(field, "an integer");
  return value.as_int();
}

struct ReadTime {
  std::optional<Timestamp> time;
  std::optional<std::string> text;
};

// A text, or a datetime of the broker's header or of kombu's typed JSON. `what`
// is Celery's word in the refusal: "ETA" or "expires".
ReadTime read_time(std::string_view what, const Json& value) {
  if (value.is_null()) return {};
  const auto typed = as_typed(value);
  const Json& plain = typed && typed->type == "datetime" ? *typed->value : value;
  const std::string* text = plain.as_string();
  const auto time = text != nullptr ? parse_iso8601(*text) : std::nullopt;
  if (!time) {
    throw_invalid("invalid " + std::string(what) + " value " + python_repr(value, 128) +
                  ": not an ISO 8601 time");
  }
  return {time, *text};
}

std::optional<double> read_limit(const Json& value) {
  if (value.is_null()) return std::nullopt;
  const auto seconds = value.as_double();
  if (!seconds || !std::isfinite(*seconds)) {
    throw_wrong_type("timelimit", "two numbers of seconds, hard and soft");
  }
  return seconds;
}

TimeLimits read_time_limits(const Json& value) {
  if (!value.truthy()) return {};
  const Json::Array* limits = value.as_array();
  if (limits == nullptr || limits->size() != 2) {
    throw_wrong_type("timelimit", "two numbers of seconds, hard and soft");
  }
  return {read_limit((*limits)[0]), read_limit((*limits)[1])};
}

std::vector<std::string> read_names(std::string_view field, const Json& value) {
  std::vector<std::string> names;
  if (value.is_null()) return names;
  if (!value.is_array()) throw_wrong_type(field, "an array of texts");
  for (const Json& item : *value.as_array()) {
    if (!item.is_string()) throw_wrong_type(field, "an array of texts");
    names.push_back(read_text(field, item));
  }
  return names;
}

// A member of the headers (protocol 2) or of the body (protocol 1).
struct Field {
  std::string_view name;
  void (*read)(const Json& value, TaskMessage& message);
};

void is_read_elsewhere(const Json&, TaskMessage&) {}

// In the order in which Celery writes them, so that one look usually suffices;
// behind them the names that belong to Celery's request and are no custom header
// (Celery 5.7, app/task.py Context._get_custom_headers).
constexpr Field kFields[] = {
    {"lang", is_read_elsewhere},
    {"task", [](const Json& v, TaskMessage& m) { m.task = read_text("task", v); }},
    {"id", [](const Json& v, TaskMessage& m) { m.id = read_text("id", v); }},
    {"shadow", [](const Json& v, TaskMessage& m) { m.shadow = read_text("shadow", v); }},
    {"eta",
     [](const Json& v, TaskMessage& m) {
       auto [time, text] = read_time("ETA", v);
       m.eta = time;
       m.eta_text = std::move(text);
     }},
    {"expires",
     [](const Json& v, TaskMessage& m) {
       auto [time, text] = read_time("expires", v);
       m.expires = time;
       m.expires_text = std::move(text);
     }},
    {"group", [](const Json& v, TaskMessage& m) { m.group = read_text("group", v); }},
    {"group_index",
     [](const Json& v, TaskMessage& m) { m.group_index = read_integer("group_index", v); }},
    {"retries",
     [](const Json& v, TaskMessage& m) { m.retries = read_integer("retries", v).value_or(0); }},
    {"timelimit", [](const Json& v, TaskMessage& m) { m.timelimit = read_time_limits(v); }},
    {"root_id", [](const Json& v, TaskMessage& m) { m.root_id = read_text("root_id", v); }},
    {"parent_id", [](const Json& v, TaskMessage& m) { m.parent_id = read_text("parent_id", v); }},
    {"argsrepr", [](const Json& v, TaskMessage& m) { m.argsrepr = read_text("argsrepr", v); }},
    {"kwargsrepr",
     [](const Json& v, TaskMessage& m) { m.kwargsrepr = read_text("kwargsrepr", v); }},
    {"origin", [](const Json& v, TaskMessage& m) { m.origin = read_text("origin", v); }},
    {"ignore_result",
     [](const Json& v, TaskMessage& m) {
       if (!v.is_null() && !v.is_bool()) throw_wrong_type("ignore_result", "true or false");
       m.ignore_result = v.as_bool();
     }},
    {"replaced_task_nesting",
     [](const Json& v, TaskMessage& m) {
       m.replaced_task_nesting = read_integer("replaced_task_nesting", v).value_or(0);
     }},
    {"stamped_headers",
     [](const Json& v, TaskMessage& m) { m.stamped_headers = read_names("stamped_headers", v); }},
    {"stamps",
     [](const Json& v, TaskMessage& m) {
       if (v.is_null()) return;
       if (!v.is_object()) throw_wrong_type("stamps", "an object");
       m.stamps = *v.as_object();
     }},
    {"args", is_read_elsewhere},
    {"callbacks", is_read_elsewhere},
    {"called_directly", is_read_elsewhere},
    {"chain", is_read_elsewhere},
    {"children", is_read_elsewhere},
    {"chord", is_read_elsewhere},
    {"compression", is_read_elsewhere},
    {"correlation_id", is_read_elsewhere},
    {"delivery_info", is_read_elsewhere},
    {"errbacks", is_read_elsewhere},
    {"headers", is_read_elsewhere},
    {"hostname", is_read_elsewhere},
    {"is_eager", is_read_elsewhere},
    {"kwargs", is_read_elsewhere},
    {"logfile", is_read_elsewhere},
    {"loglevel", is_read_elsewhere},
    {"properties", is_read_elsewhere},
    {"reply_to", is_read_elsewhere},
    {"soft_time_limit", is_read_elsewhere},
    {"taskset", is_read_elsewhere},
    {"time_limit", is_read_elsewhere},
    {"utc", is_read_elsewhere},
};

// Finds fields by name, starting where the last one was found.
class FieldFinder {
 public:
  const Field* find(std::string_view name) {
    if (next_ < std::size(kFields) && kFields[next_].name == name) return &kFields[next_++];
    const auto* found = std::find_if(std::begin(kFields), std::end(kFields),
                                     [&](const Field& field) { return field.name == name; });
    if (found == std::end(kFields)) return nullptr;
    next_ = static_cast<std::size_t>(found - std::begin(kFields)) + 1;
    return found;
  }

 private:
  std::size_t next_ = 0;
};

// The members that are none of Celery's fields.
JsonObject read_fields(const JsonObject& members, TaskMessage& message) {
  JsonObject others;
  FieldFinder finder;
  for (const auto& [name, value] : members) {
    if (const Field* field = finder.find(name)) {
      field->read(value, message);
    } else {
      others.set(name, value);
    }
  }
  return others;
}

// A task sees the nested table as request.headers if there is one, else every header that is not
// Celery's own.
void take_custom_headers(const JsonObject& headers, JsonObject&& others, TaskMessage& message) {
  if (const Json* nested = headers.find("headers"); nested != nullptr && nested->is_object()) {
    message.headers = *nested->as_object();
    message.headers_beside = std::move(others);
  } else {
    message.headers = std::move(others);
  }
}

void require_consistent(const TaskMessage& message) {
  if (message.id.empty()) throw_invalid("the message has no task id");
  for (const std::string& name : message.stamped_headers) {
    if (!message.stamps.contains(name)) {
      throw_invalid("'stamped_headers' names the stamp '" + name + "', which 'stamps' lacks");
    }
  }
}

// Signatures: null, or what Celery puts there.
Json read_signatures(std::string_view field, Json value) {
  if (value.is_null() || value.is_array()) return value;
  throw_wrong_type(field, "an array of signatures or null");
}

void read_embed(Json& embed, TaskMessage& message) {
  if (embed.is_null()) return;
  JsonObject* members = embed.as_object();
  if (members == nullptr) throw_wrong_type("embed", "an object or null");
  for (auto& [name, value] : *members) {
    if (name == "callbacks") {
      message.callbacks = read_signatures(name, std::move(value));
    } else if (name == "errbacks") {
      message.errbacks = read_signatures(name, std::move(value));
    } else if (name == "chain") {
      message.chain = read_signatures(name, std::move(value));
    } else if (name == "chord") {
      if (!value.is_null() && !value.is_object()) throw_wrong_type("chord", "a signature or null");
      message.chord = std::move(value);
    }
  }
}

void take_args(Json& args, TaskMessage& message) {
  if (!args.is_array()) throw_wrong_type("args", "an array");
  message.args = std::move(*args.as_array());
}

void take_kwargs(Json& kwargs, TaskMessage& message) {
  if (!kwargs.is_object()) throw_invalid("Task keyword arguments must be a mapping");
  message.kwargs = std::move(*kwargs.as_object());
}

void read_protocol_2_body(Json& body, TaskMessage& message) {
  Json::Array* parts = body.as_array();
  if (parts == nullptr || parts->size() != 3) {
    throw_invalid("the body must be an array of args, kwargs and embed");
  }
  take_args((*parts)[0], message);
  take_kwargs((*parts)[1], message);
  read_embed((*parts)[2], message);
}

// The members of a protocol 1 body that protocol 2 has in its body. Args and
// kwargs may be missing, but not null.
void read_protocol_1_body(JsonObject& body, TaskMessage& message) {
  if (Json* args = body.find("args")) take_args(*args, message);
  if (Json* kwargs = body.find("kwargs")) take_kwargs(*kwargs, message);
  Json embed = Json::object();
  for (const char* name : {"callbacks", "errbacks", "chord"}) {
    if (Json* value = body.find(name)) embed.as_object()->set(name, std::move(*value));
  }
  read_embed(embed, message);
}

void decode_protocol_2(const Properties& properties, std::optional<Json> body,
                       TaskMessage& message) {
  if (!body) {
    throw_invalid("the body is empty or of the content type '" + properties.content_type +
                  "', which is not decoded");
  }
  if (JsonObject* hybrid = body->as_object(); hybrid != nullptr && hybrid->contains("args")) {
    read_fields(*hybrid, message);
    read_protocol_1_body(*hybrid, message);
  } else {
    read_protocol_2_body(*body, message);
  }
  JsonObject others = read_fields(properties.headers, message);
  take_custom_headers(properties.headers, std::move(others), message);
}

void decode_protocol_1(const Properties& properties, JsonObject& body, TaskMessage& message) {
  message.protocol = 1;
  if (const Json* task_set = body.find("taskset")) body.set("group", Json(*task_set));
  read_fields(body, message);
  read_protocol_1_body(body, message);
  message.argsrepr = python_repr_tuple(message.args);
  message.kwargsrepr = python_repr(Json(message.kwargs));
  message.headers = properties.headers;
}

// Unpacked if the header `compression` says so.
std::string_view unpacked(const Properties& properties, std::string_view body,
                          std::string& storage) {
  const Json* codec = properties.headers.find("compression");
  if (codec == nullptr || !codec->truthy()) return body;
  storage = decompress(body, codec->string_or("not a text"));
  return storage;
}

// A number of seconds as the producer most likely wrote it: 30, not 30.0.
Json limit_to_json(std::optional<double> seconds) {
  if (!seconds) return nullptr;
  constexpr double kExactIntegers = 9007199254740992;  // 2^53
  if (std::trunc(*seconds) == *seconds && std::abs(*seconds) < kExactIntegers) {
    return static_cast<std::int64_t>(*seconds);
  }
  return *seconds;
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json time_to_header(const std::optional<Timestamp>& time, const std::optional<std::string>& text) {
  if (text) return *text;
  return time ? Json(to_iso8601(*time)) : Json();
}

Json names_to_json(const std::vector<std::string>& names) {
  if (names.empty()) return nullptr;
  return Json::Array(names.begin(), names.end());
}

JsonObject encode_headers(const TaskMessage& m) {
  std::vector<JsonObject::Member> headers;
  headers.reserve(24);
  const auto add = [&](const char* name, Json value) {
    headers.emplace_back(name, std::move(value));
  };
  add("lang", "py");
  add("task", m.task);
  add("id", m.id);
  add("shadow", text_or_null(m.shadow));
  add("eta", time_to_header(m.eta, m.eta_text));
  add("expires", time_to_header(m.expires, m.expires_text));
  add("group", text_or_null(m.group));
  add("group_index", m.group_index);
  add("retries", m.retries);
  add("timelimit", Json::array({limit_to_json(m.timelimit.hard), limit_to_json(m.timelimit.soft)}));
  add("root_id", m.root_id.empty() ? m.id : m.root_id);
  add("parent_id", text_or_null(m.parent_id));
  add("argsrepr", m.argsrepr.empty() ? python_repr_tuple(m.args) : m.argsrepr);
  add("kwargsrepr", m.kwargsrepr.empty() ? python_repr(Json(m.kwargs)) : m.kwargsrepr);
  add("origin", m.origin);
  add("ignore_result", m.ignore_result);  // null: as the receiver has it
  add("replaced_task_nesting", m.replaced_task_nesting);
  add("stamped_headers", names_to_json(m.stamped_headers));
  add("stamps", m.stamps);
  if (m.headers_beside) {
    for (const auto& [name, value] : *m.headers_beside) headers.emplace_back(name, value);
  }
  for (const auto& [name, value] : m.headers) headers.emplace_back(name, value);
  if (m.headers_beside) add("headers", m.headers);
  return JsonObject::last_of_equal_keys(std::move(headers));
}

// Milliseconds from `now`, for the broker; a time in the past expires at once.
std::string expiration(Timestamp expires, Timestamp now) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::duration_cast<milliseconds>(expires - now);
  return std::to_string(std::max(left, milliseconds(0)).count());
}

}  // namespace

bool names_its_task(const Properties& properties) {
  return properties.headers.contains("task");
}

std::variant<TaskMessage, UnknownMessage> decode_task_message(Properties&& properties,
                                                              std::string_view raw_body,
                                                              const AcceptedContent& accepted) {
  std::string storage;
  const std::string_view body = unpacked(properties, raw_body, storage);
  const bool is_protocol_2 = names_its_task(properties);
  try {
    require_accepted(properties.content_type, accepted.content_types);
  } catch (const MessageError& error) {
    // Celery learns of it only while it looks for the task's name in the body.
    if (is_protocol_2) throw;
    throw MessageError(MessageError::Kind::undecodable, error.what());
  }
  std::optional<Json> document = deserialize(properties.content_type, body);
  // Filled where it is returned: a message is large, and each move of it shows.
  std::variant<TaskMessage, UnknownMessage> decoded;
  TaskMessage& message = std::get<TaskMessage>(decoded);
  if (is_protocol_2) {
    decode_protocol_2(properties, std::move(document), message);
  } else {
    JsonObject* members = document ? document->as_object() : nullptr;
    if (members == nullptr || !members->contains("task")) return UnknownMessage{};
    decode_protocol_1(properties, *members, message);
  }
  message.reply_to = properties.reply_to;
  message.correlation_id = properties.correlation_id;
  message.priority = properties.priority;
  require_consistent(message);
  message.properties = std::move(properties);
  return decoded;
}

EncodedMessage encode_task_message(const TaskMessage& message, const Encoding& encoding,
                                   Timestamp now) {
  const Json body = Json::array({message.args, message.kwargs,
                                 Json::object({{"callbacks", message.callbacks},
                                               {"errbacks", message.errbacks},
                                               {"chain", message.chain},
                                               {"chord", message.chord}})});
  Payload payload = serialize(body, encoding.serializer);
  EncodedMessage encoded;
  Properties& properties = encoded.properties;
  properties.content_type = std::move(payload.content_type);
  properties.content_encoding = std::move(payload.content_encoding);
  properties.headers = encode_headers(message);
  constexpr std::uint8_t kPersistent = 2;
  properties.delivery_mode = kPersistent;
  properties.priority = message.priority;
  properties.correlation_id = message.correlation_id.empty() ? message.id : message.correlation_id;
  properties.reply_to = message.reply_to;
  if (message.expires) properties.expiration = expiration(*message.expires, now);
  encoded.body = std::move(payload.body);
  if (!encoding.compression.empty()) {
    encoded.body = compress(encoded.body, encoding.compression);
    properties.headers.set("compression", *compression_type_of(encoding.compression));
  }
  return encoded;
}

}  // namespace celeriac::protocol
