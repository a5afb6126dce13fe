#include <celeriac/json.h>
#include <celeriac/typed_json.h>

#include <cmath>

#include "protocol/json/number_text.h"
#include "protocol/json/python_value.h"
#include "protocol/json/utf8.h"

namespace celeriac {
namespace {

// Celery 5.x, celery/utils/saferepr.py. A text is a row of tokens; each takes
// its characters from the allowance. The first token that finds none left is
// replaced by `, ...`; from then on only the brackets still open are closed. A
// closing bracket is always written.
class ReprWriter {
 public:
  explicit ReprWriter(std::size_t max_length) : left_(static_cast<std::int64_t>(max_length)) {}

  void write(const Json& value) {
    switch (value.kind()) {
      case Json::Kind::null:
        write_text("None");
        break;
      case Json::Kind::boolean:
        write_text(*value.as_bool() ? "True" : "False");
        break;
      case Json::Kind::integer: {
        std::string text;
        protocol::append_integer(text, *value.as_int());
        write_text(text);
        break;
      }
      case Json::Kind::big_integer:
        write_text(value.as_big_integer()->digits);
        break;
      case Json::Kind::real:
        write_real(*value.as_double());
        break;
      case Json::Kind::string:
        write_quoted(*value.as_string());
        break;
      case Json::Kind::array:
        write_items("[", *value.as_array(), "]");
        break;
      case Json::Kind::object:
        write_object(value);
        break;
    }
  }

  void write_items(std::string_view open, const Json::Array& items, std::string_view close) {
    if (!enter(open, close)) return;
    for (std::size_t i = 0; i < items.size() && !cut_; ++i) {
      if (i > 0) write_token(", ");
      if (!cut_) write(items[i]);
    }
    leave(close);
  }

  std::string take() { return std::move(out_); }

 private:
  static constexpr int kMaxLevels = 3;

  void write_object(const Json& value) {
    if (const auto bytes = bytes_from_json(value)) {
      write_bytes(*bytes);
    } else if (const auto text = protocol::typed_value_repr(value)) {
      write_text(*text);
    } else {
      write_members(*value.as_object());
    }
  }

  // As a text if they are UTF-8, else in hexadecimal.
  void write_bytes(std::string_view bytes) {
    if (!has_room()) return;
    const auto limit = static_cast<std::size_t>(left_);
    const std::string_view shown = bytes.substr(0, limit);
    std::string text = "b'";
    if (!protocol::find_invalid_utf8(shown)) {
      text += shown;
    } else {
      constexpr char kDigits[] = "0123456789abcdef";
      for (char c : shown) {
        const auto byte = static_cast<unsigned char>(c);
        text += {kDigits[byte >> 4], kDigits[byte & 15]};
      }
    }
    write_token(text + (bytes.size() > limit ? "...'" : "'"));
  }

  void write_members(const Json::Object& members) {
    if (!enter("{", "}")) return;
    const char* separator = "";
    for (const auto& [key, value] : members) {
      if (*separator != '\0') write_token(separator);
      separator = ", ";
      if (!cut_) write_quoted(key);
      if (!cut_) write_token(": ");
      if (!cut_) write(value);
      if (cut_) break;
    }
    leave("}");
  }

  bool enter(std::string_view open, std::string_view close) {
    if (level_ >= kMaxLevels) {
      write_token(std::string(open) + "..." + std::string(close));
      return false;
    }
    write_token(open);
    if (cut_) return false;
    ++level_;
    return true;
  }

  void leave(std::string_view close) {
    --level_;
    out_ += close;
    if (!cut_ && left_ > 0) left_ -= static_cast<std::int64_t>(close.size());
  }

  void write_real(double value) {
    std::string text;
    if (std::isnan(value)) {
      text = "nan";
    } else if (std::isinf(value)) {
      text = value < 0 ? "-inf" : "inf";
    } else {
      protocol::append_python_float(text, value);
    }
    write_text(text);
  }

  // Only quotes are escaped, as Celery does it: newlines stay raw.
  void write_quoted(std::string_view text) {
    if (!has_room()) return;
    std::string quoted = "'";
    for (char c : truncated(text)) {
      if (c == '\'') quoted += '\\';
      quoted += c;
    }
    quoted += '\'';
    write_token(quoted);
  }

  void write_text(std::string_view text) {
    if (has_room()) write_token(truncated(text));
  }

  // Celery 5.x, utils/text.py truncate: cut at the last space within the limit.
  std::string truncated(std::string_view text) const {
    const auto limit = static_cast<std::size_t>(left_);
    if (text.size() < limit || protocol::count_characters(text) < limit) return std::string(text);
    const std::string_view head = protocol::first_characters(text, limit);
    return std::string(head.substr(0, head.rfind(' '))) + "...";
  }

  bool has_room() {
    if (left_ > 0) return true;
    if (!cut_) out_ += ", ...";
    cut_ = true;
    return false;
  }

  void write_token(std::string_view token) {
    if (!has_room()) return;
    out_ += token;
    left_ -= static_cast<std::int64_t>(protocol::count_characters(token));
  }

  std::string out_;
  std::int64_t left_;
  int level_ = 0;
  bool cut_ = false;
};

}  // namespace

std::string python_repr(const Json& value, std::size_t max_length) {
  ReprWriter writer(max_length);
  writer.write(value);
  return writer.take();
}

std::string python_repr_tuple(const Json::Array& items, std::size_t max_length) {
  ReprWriter writer(max_length);
  writer.write_items("(", items, items.size() == 1 ? ",)" : ")");
  return writer.take();
}

}  // namespace celeriac
