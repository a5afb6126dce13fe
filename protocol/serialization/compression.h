// Compressed bodies, as the header `compression` names them (wire page, 3.3).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace celeriac::protocol {

// RabbitMQ's own default for the largest message (`max_message_size`, 3.8 to 3.13):
// no body is allowed to unpack to more.
inline constexpr std::size_t kMaxBodySize = 128UL * 1024 * 1024;

// The codec as the header names it, `application/x-gzip` for `gzip` or `zlib`.
// Nothing for a name that is not known here.
std::optional<std::string> compression_type_of(std::string_view name_or_type);

// Compresses with the codec of that name or type, at Python's default level.
// Throws ConfigError for a codec that is not known here.
std::string compress(std::string_view data, std::string_view name_or_type);

// Throws MessageError(undecodable): a codec that is not known here, a damaged or
// cut body, or one that unpacks to more than `max_size` bytes.
std::string decompress(std::string_view data, std::string_view name_or_type,
                       std::size_t max_size = kMaxBodySize);

}  // namespace celeriac::protocol
