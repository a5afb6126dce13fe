// Bodies of messages: the serializers that kombu registers, and which of them a
// worker accepts (wire page, sections 3.1 and 3.2).
#pragma once

#include <celeriac/json.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace celeriac::protocol {

// A serialised value with the properties that announce it.
struct Payload {
  std::string content_type;
  std::string content_encoding;
  std::string body;
};

// Writes with the serializer of that name: json, yaml or msgpack. Throws
// EncodeError if the format cannot hold the value, ConfigError for another name.
Payload serialize(const Json& value, std::string_view serializer);

// Reads a body of this content type. Nothing is returned for content that stays
// raw bytes: an empty body, application/data, text and types that no serializer
// has. Throws MessageError(undecodable).
std::optional<Json> deserialize(std::string_view content_type, std::string_view body);

// Throws MessageError(invalid) with kombu's refusal unless the type is in the
// list or raw. Pickle is refused even if it is in the list: reading it would run
// whatever code the sender chose. An absent type means application/data.
void require_accepted(std::string_view content_type, const std::vector<std::string>& accepted);

// The MIME type of an entry of `accept_content`, a serializer's name or a MIME
// type itself. Nothing if no serializer here has that name; pickle has none.
std::optional<std::string> content_type_of(std::string_view name_or_type);

}  // namespace celeriac::protocol
