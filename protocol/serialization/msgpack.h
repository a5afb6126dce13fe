// MessagePack, as msgpack-python reads and writes it for kombu: texts are UTF-8
// (`raw=False`), bytes are bin (`use_bin_type=True`), keys of maps are texts.
//
//   value   := nil c0 | false c2 | true c3
//            | int    00-7f, e0-ff, cc cd ce cf (unsigned), d0 d1 d2 d3 (signed)
//            | float  ca (32 bit), cb (64 bit)
//            | str    a0-bf, d9 da db     | bin c4 c5 c6
//            | array  90-9f, dc dd        | map 80-8f, de df
//            | ext    d4-d8, c7 c8 c9     (only the timestamp type, -1)
//
// Bytes are kombu's typed `bytes` or `base64` here, timestamps its `datetime`.
#pragma once

#include <celeriac/json.h>

#include <string>
#include <string_view>

namespace celeriac::protocol {

// Throws MessageError(undecodable) naming the offset and the cause.
Json parse_msgpack(std::string_view body);

// Throws EncodeError for an integer beyond 64 bits or a text that is not UTF-8.
std::string dump_msgpack(const Json& value);

}  // namespace celeriac::protocol
