#include <celeriac/error.h>
#include <celeriac/json.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "protocol/json/number_text.h"
#include "protocol/json/utf8.h"

namespace celeriac {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void append_unicode_escape(std::string& out, unsigned unit) {
  const char escape[] = {'\\',
                         'u',
                         kHexDigits[(unit >> 12) & 15],
                         kHexDigits[(unit >> 8) & 15],
                         kHexDigits[(unit >> 4) & 15],
                         kHexDigits[unit & 15]};
  out.append(escape, sizeof escape);
}

void append_code_point(std::string& out, unsigned code_point) {
  if (code_point < 0x10000) {
    append_unicode_escape(out, code_point);
    return;
  }
  append_unicode_escape(out, 0xD800 + ((code_point - 0x10000) >> 10));
  append_unicode_escape(out, 0xDC00 + ((code_point - 0x10000) & 0x3FF));
}

void append_ascii_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\f':
      out += "\\f";
      break;
    case '\b':
      out += "\\b";
      break;
    default:
      append_unicode_escape(out, static_cast<unsigned char>(c));
  }
}

// Python escapes all that is outside of ' ' to '~', DEL too.
bool is_plain(char c) {
  return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

// The code point at the front of `text`, and its length in bytes. A surrogate in
// three bytes is taken too: that is how a lone `\udcXX` of a Python text (a file
// name that is no UTF-8) is kept here.
struct CodePoint {
  unsigned value = 0;
  std::size_t length = 0;  // 0: not UTF-8
};

CodePoint read_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (text.size() < length) return {};
  const bool lone_surrogate =
      length == 3 && lead == 0xED && (byte(1) & 0xE0) == 0xA0 && (byte(2) & 0xC0) == 0x80;
  if (!lone_surrogate && protocol::find_invalid_utf8(text.substr(0, length))) return {};
  unsigned value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) value = (value << 6) | (byte(i) & 0x3F);
  return {value, length};
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() && is_plain(text[end])) ++end;
    out.append(text, at, end - at);
    if (end == text.size()) break;
    at = end;
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      append_ascii_escape(out, text[at++]);
      continue;
    }
    const CodePoint next = read_code_point(text.substr(at));
    if (next.length == 0) {
      throw EncodeError("cannot write a text as JSON: invalid UTF-8 at byte " + std::to_string(at) +
                        "; bytes need kombu's base64 form");
    }
    append_code_point(out, next.value);
    at += next.length;
  }
  out += '"';
}

void append_real(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else {
    protocol::append_python_float(out, value);
  }
}

void append_value(std::string& out, const Json& value) {
  switch (value.kind()) {
    case Json::Kind::null:
      out += "null";
      break;
    case Json::Kind::boolean:
      out += *value.as_bool() ? "true" : "false";
      break;
    case Json::Kind::integer:
      protocol::append_integer(out, *value.as_int());
      break;
    case Json::Kind::big_integer:
      out += value.as_big_integer()->digits;
      break;
    case Json::Kind::real:
      append_real(out, *value.as_double());
      break;
    case Json::Kind::string:
      append_string(out, *value.as_string());
      break;
    case Json::Kind::array: {
      out += '[';
      const char* separator = "";
      for (const Json& item : *value.as_array()) {
        out += separator;
        append_value(out, item);
        separator = ", ";
      }
      out += ']';
      break;
    }
    case Json::Kind::object: {
      out += '{';
      const char* separator = "";
      for (const auto& [key, member] : *value.as_object()) {
        out += separator;
        append_string(out, key);
        out += ": ";
        append_value(out, member);
        separator = ", ";
      }
      out += '}';
      break;
    }
  }
}

}  // namespace

std::string dump_json(const Json& value) {
  std::string out;
  append_value(out, value);
  return out;
}

}  // namespace celeriac
