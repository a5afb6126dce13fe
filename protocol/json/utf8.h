// UTF-8 as Python reads and counts it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace celeriac::protocol {

// The offset of the first byte that does not belong to well-formed UTF-8 (no
// overlong forms, no surrogates), or nothing if all of `text` is well formed.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

// The text with every byte that does not belong to well-formed UTF-8 as `\xff` (Python's
// backslashreplace).
std::string escape_invalid_utf8(std::string_view text);

// How many characters (code points) `text` has.
std::size_t count_characters(std::string_view text);

// The longest prefix of `text` that has at most `limit` characters.
std::string_view first_characters(std::string_view text, std::size_t limit);

}  // namespace celeriac::protocol
