#include "protocol/message/result_format.h"

#include <celeriac/error.h>

#include <optional>

#include "protocol/serialization/compression.h"
#include "protocol/serialization/serializer.h"

namespace celeriac::protocol {
namespace {

constexpr std::string_view kCompressed("\0celery-compressed\0", 19);

Json deserialized(std::string_view body, const std::string& serializer) {
  std::optional<Json> value = deserialize(content_type_of(serializer).value_or(""), body);
  if (!value) throw MessageError(MessageError::Kind::undecodable, "no result in " + serializer);
  return *std::move(value);
}

}  // namespace

std::string encode_stored(const Json& value, const ResultFormat& format) {
  std::string body = serialize(value, format.serializer).body;
  if (format.compression.empty()) return body;
  std::string payload(kCompressed);
  payload += compression_type_of(format.compression).value_or(format.compression);
  payload += '\0';
  return payload + compress(body, format.compression);
}

Json decode_stored(std::string_view payload, const ResultFormat& format) {
  if (!payload.starts_with(kCompressed)) return deserialized(payload, format.serializer);
  payload.remove_prefix(kCompressed.size());
  const std::size_t end = payload.find('\0');
  if (end == std::string_view::npos) {
    throw MessageError(MessageError::Kind::undecodable, "a compressed result names no codec");
  }
  const std::string body = decompress(payload.substr(end + 1), payload.substr(0, end));
  return deserialized(body, format.serializer);
}

}  // namespace celeriac::protocol
