// How values stand in a result backend: Celery's result_serializer and result_compression (5.7,
// backends/base.py encode and decode).
//
//   payload     := serialized | "\0celery-compressed\0" codec "\0" compressed serialized
//
// Codecs have the names that the header `compression` of a message has. A compressed payload is
// read whatever the reader's own compression is; the serializer must be the same on both sides.
#pragma once

#include <celeriac/json.h>

#include <string>
#include <string_view>

namespace celeriac::protocol {

struct ResultFormat {
  std::string serializer = "json";  // json, yaml or msgpack
  std::string compression;          // as in Encoding; empty: none

  bool is_plain_json() const { return serializer == "json" && compression.empty(); }
};

// Throws EncodeError if the format cannot hold the value.
std::string encode_stored(const Json& value, const ResultFormat& format);
// Throws MessageError(undecodable).
Json decode_stored(std::string_view payload, const ResultFormat& format);

}  // namespace celeriac::protocol
