#include "protocol/message/control.h"

#include <celeriac/error.h>

#include <algorithm>
#include <regex>

#include "protocol/json/utf8.h"
#include "protocol/serialization/compression.h"
#include "protocol/serialization/serializer.h"

namespace celeriac::protocol {
namespace {

[[noreturn]] void throw_undecodable(const std::string& why) {
  throw MessageError(MessageError::Kind::undecodable, why);
}

std::string read_text(const Json& json, std::string_view name) {
  const Json& value = json[name];
  if (!value.is_null() && !value.is_string()) {
    throw_undecodable("control request: '" + std::string(name) + "' must be a text");
  }
  return value.string_or("");
}

// Python writes a list; a single name is taken for a list of one.
std::optional<std::vector<std::string>> read_destination(const Json& value) {
  if (!value.truthy()) return std::nullopt;
  if (const std::string* name = value.as_string()) return {{*name}};
  if (!value.is_array()) throw_undecodable("control request: 'destination' must be an array");
  std::vector<std::string> names;
  for (const Json& name : *value.as_array()) {
    if (name.is_string()) names.push_back(*name.as_string());
  }
  return names;
}

// Where a set that starts behind '[' ends, at ']'; npos if it never does. The
// first character after '[' or '[!' belongs to the set even if it is ']'.
std::size_t end_of_set(std::string_view pattern) {
  const std::size_t first = pattern.starts_with('!') ? 1 : 0;
  return pattern.find(']', first + 1);
}

bool set_contains(std::string_view set, char c) {
  const bool negated = set.starts_with('!');
  if (negated) set.remove_prefix(1);
  bool found = false;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      found = found || (set[i] <= c && c <= set[i + 2]);
      i += 2;
    } else {
      found = found || set[i] == c;
    }
  }
  return found != negated;
}

// Python's fnmatch: `*`, `?`, `[set]`, `[!set]`. One star is remembered to go
// back to, so that no pattern takes more than quadratic time.
bool matches_glob(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0;
  std::optional<std::pair<std::size_t, std::size_t>> star;  // places behind the last '*'
  while (t < text.size()) {
    std::size_t width = 0;  // of the pattern element that takes text[t]
    if (p < pattern.size() && pattern[p] == '*') {
      star = {t, ++p};
      continue;
    }
    if (p < pattern.size()) {
      const std::size_t end = pattern[p] == '[' ? end_of_set(pattern.substr(p + 1)) : pattern.npos;
      if (end != pattern.npos) {
        if (set_contains(pattern.substr(p + 1, end), text[t])) width = end + 2;
      } else if (pattern[p] == '?' || pattern[p] == text[t]) {
        width = 1;
      }
    }
    if (width > 0) {
      p += width;
      ++t;
    } else if (star) {
      t = ++star->first;
      p = star->second;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

// Python's re.match with ECMAScript's syntax, which agrees in what node names
// need. The bound keeps std::regex, which recurses, from exhausting the stack.
bool matches_regex(std::string_view text, const std::string& pattern) {
  constexpr std::size_t kMaxLength = 256;
  if (pattern.size() > kMaxLength || text.size() > kMaxLength) return false;
  try {
    const std::regex regex(pattern, std::regex::ECMAScript);
    return std::regex_search(text.begin(), text.end(), regex,
                             std::regex_constants::match_continuous);
  } catch (const std::regex_error&) {
    return false;  // like Python, which logs the error and runs nothing
  }
}

}  // namespace

ControlRequest decode_control_request(const Properties& properties, std::string_view raw_body,
                                      const std::vector<std::string>& accepted_content_types) {
  std::string storage;
  std::string_view body = raw_body;
  if (const Json* codec = properties.headers.find("compression");
      codec != nullptr && codec->truthy()) {
    storage = decompress(raw_body, codec->string_or("not a text"));
    body = storage;
  }
  try {
    require_accepted(properties.content_type, accepted_content_types);
  } catch (const MessageError& error) {
    throw_undecodable(error.what());
  }
  const std::optional<Json> document = deserialize(properties.content_type, body);
  if (!document || !document->is_object()) throw_undecodable("control request: not an object");
  ControlRequest request;
  request.method = read_text(*document, "method");
  if (request.method.empty()) throw_undecodable("control request: no 'method'");
  const Json& arguments = (*document)["arguments"];
  if (arguments.is_object()) {
    request.arguments = *arguments.as_object();
  } else if (arguments.truthy()) {
    throw_undecodable("control request: 'arguments' must be an object");
  }
  request.destination = read_destination((*document)["destination"]);
  request.pattern = read_text(*document, "pattern");
  request.matcher = read_text(*document, "matcher");
  request.ticket = read_text(*document, "ticket");
  const Json& reply_to = (*document)["reply_to"];
  request.reply_exchange = read_text(reply_to, "exchange");
  request.reply_routing_key = read_text(reply_to, "routing_key");
  if (const Json* clock = properties.headers.find("clock")) {
    request.clock = clock->as_int().value_or(0);
  }
  return request;
}

bool is_addressed_to(const ControlRequest& request, std::string_view nodename) {
  if (request.destination) {
    return std::find(request.destination->begin(), request.destination->end(), nodename) !=
           request.destination->end();
  }
  if (request.pattern.empty() || request.matcher.empty()) return true;
  if (request.matcher == "glob") return matches_glob(nodename, request.pattern);
  if (request.matcher == "pcre") return matches_regex(nodename, request.pattern);
  return false;
}

EncodedMessage encode_control_reply(const ControlRequest& request, std::string_view nodename,
                                    const Json& reply, std::uint64_t clock) {
  EncodedMessage message;
  message.body = dump_json(Json::object({{std::string(nodename), reply}}));
  message.properties.content_type = "application/json";
  message.properties.content_encoding = "utf-8";
  constexpr std::uint8_t kTransient = 1;
  message.properties.delivery_mode = kTransient;
  message.properties.priority = 0;
  message.properties.headers = {{"ticket", request.ticket}, {"clock", clock}};
  return message;
}

}  // namespace celeriac::protocol
