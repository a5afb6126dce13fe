// YAML, as PyYAML's safe_load and safe_dump read and write it for kombu.
//
// Plain scalars resolve by the rules of YAML 1.1 that PyYAML has (`yes` is true,
// `0o17` a text, `017` is 15), except base-60 numbers, which stay texts.
// `!!binary` is kombu's typed `bytes` or `base64` here, a timestamp its `datetime`
// or `date`, `!!set` an array.
#pragma once

#include <celeriac/json.h>

#include <string>
#include <string_view>

namespace celeriac::protocol {

// Throws MessageError(undecodable) naming line, column and cause.
Json parse_yaml(std::string_view body);

// Throws EncodeError for a text that is not UTF-8.
std::string dump_yaml(const Json& value);

}  // namespace celeriac::protocol
