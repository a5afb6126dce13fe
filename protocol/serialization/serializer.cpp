#include "protocol/serialization/serializer.h"

#include <celeriac/error.h>

#include <algorithm>

#include "protocol/serialization/msgpack.h"
#include "protocol/serialization/yaml.h"

namespace celeriac::protocol {
namespace {

using Write = std::string (*)(const Json&);
using Read = Json (*)(std::string_view);

struct Serializer {
  std::string_view name, content_type, content_encoding;
  Write write;
  Read read;
};

constexpr Serializer kSerializers[] = {
    {"json", "application/json", "utf-8", dump_json,
     [](std::string_view body) { return parse_json(body); }},
    {"yaml", "application/x-yaml", "utf-8", dump_yaml, parse_yaml},
    {"msgpack", "application/x-msgpack", "binary", dump_msgpack, parse_msgpack},
};

constexpr std::string_view kPickle = "application/x-python-serialize";
constexpr std::string_view kRawTypes[] = {"application/data", "application/text"};

bool is_raw(std::string_view content_type) {
  return content_type.empty() ||
         std::find(std::begin(kRawTypes), std::end(kRawTypes), content_type) != std::end(kRawTypes);
}

// kombu's name for a type; the type itself where kombu has none.
std::string_view name_of(std::string_view content_type) {
  if (content_type == kPickle) return "pickle";
  for (const Serializer& serializer : kSerializers) {
    if (serializer.content_type == content_type) return serializer.name;
  }
  return content_type;
}

}  // namespace

Payload serialize(const Json& value, std::string_view name) {
  for (const Serializer& serializer : kSerializers) {
    if (serializer.name != name) continue;
    return {std::string(serializer.content_type), std::string(serializer.content_encoding),
            serializer.write(value)};
  }
  throw ConfigError("no serializer '" + std::string(name) + "'; use json, yaml or msgpack");
}

std::optional<Json> deserialize(std::string_view content_type, std::string_view body) {
  if (body.empty()) return std::nullopt;
  for (const Serializer& serializer : kSerializers) {
    if (serializer.content_type == content_type) return serializer.read(body);
  }
  return std::nullopt;
}

void require_accepted(std::string_view content_type, const std::vector<std::string>& accepted) {
  if (is_raw(content_type)) return;
  const bool listed = std::find(accepted.begin(), accepted.end(), content_type) != accepted.end();
  if (listed && content_type != kPickle) return;
  throw MessageError(MessageError::Kind::invalid,
                     "Refusing to deserialize untrusted content of type " +
                         std::string(name_of(content_type)) + " (" + std::string(content_type) +
                         ")");
}

std::optional<std::string> content_type_of(std::string_view name_or_type) {
  if (name_or_type == kPickle) return std::nullopt;
  if (name_or_type.find('/') != std::string_view::npos) return std::string(name_or_type);
  for (const Serializer& serializer : kSerializers) {
    if (serializer.name == name_or_type) return std::string(serializer.content_type);
  }
  return std::nullopt;
}

}  // namespace celeriac::protocol
