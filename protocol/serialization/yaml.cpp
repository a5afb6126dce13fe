#include "protocol/serialization/yaml.h"

#include <celeriac/error.h>
#include <celeriac/typed_json.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "protocol/json/number_text.h"
#include "protocol/json/utf8.h"
#include "protocol/message/timestamp.h"

namespace celeriac::protocol {
namespace {

constexpr std::size_t kMaxDepth = 512;
// Aliases repeat what they point to, and a few lines could stand for billions. A
// document may grow to this many values and no more.
std::size_t max_values(std::string_view body) {
  return 1000 + 10 * body.size();
}

[[noreturn]] void throw_not_yaml(const YAML::Mark& mark, const std::string& why) {
  throw MessageError(MessageError::Kind::undecodable,
                     "not YAML, line " + std::to_string(mark.line + 1) + ", column " +
                         std::to_string(mark.column + 1) + ": " + why);
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// [-+]? and a number in this base, underscores between digits allowed.
std::optional<Json> integer_in_base(bool negative, std::string digits, int base) {
  std::erase(digits, '_');
  if (digits.empty()) return std::nullopt;
  if (negative) digits.insert(0, 1, '-');
  const char* end = digits.data() + digits.size();
  std::int64_t value = 0;
  const auto result = std::from_chars(digits.data(), end, value, base);
  if (result.ptr != end) return std::nullopt;
  if (result.ec == std::errc()) return Json(value);
  if (base != 10) return std::nullopt;
  return Json(BigInteger{digits});
}

std::optional<Json> read_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0])) return std::nullopt;
  if (text == "0") return Json(0);
  if (text.starts_with("0b")) return integer_in_base(negative, std::string(text.substr(2)), 2);
  if (text.starts_with("0x")) return integer_in_base(negative, std::string(text.substr(2)), 16);
  if (text[0] == '0') return integer_in_base(negative, std::string(text.substr(1)), 8);
  return integer_in_base(negative, std::string(text), 10);
}

// PyYAML asks for a point, and for a sign in the exponent: `1e5` is a text.
std::optional<Json> read_real(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view unsigned_text = negative || text.starts_with('+') ? text.substr(1) : text;
  const double infinity = std::numeric_limits<double>::infinity();
  if (is_one_of(unsigned_text, {".inf", ".Inf", ".INF"})) return negative ? -infinity : infinity;
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) {
    return Json(std::numeric_limits<double>::quiet_NaN());
  }
  std::string digits(unsigned_text);
  std::erase(digits, '_');
  const std::size_t point = digits.find('.');
  if (point == std::string::npos || digits.size() == 1 ||
      !(is_digit(digits[0]) || (point == 0 && is_digit(digits[1])))) {
    return std::nullopt;
  }
  const std::size_t mark = digits.find_first_of("eE");
  if (mark != std::string::npos) {
    if (mark < point || mark + 2 >= digits.size() ||
        std::string_view("+-").find(digits[mark + 1]) == std::string_view::npos) {
      return std::nullopt;
    }
    if (digits[mark + 1] == '+') digits.erase(mark + 1, 1);  // from_chars takes no plus
  }
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value);
  if (result.ptr != end) return std::nullopt;
  return Json(negative ? -value : value);
}

// A date, or a time in the forms that safe_dump writes and ISO 8601 has.
std::optional<Json> read_timestamp(std::string_view text) {
  const bool starts_as_date = text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
                              std::all_of(text.begin(), text.begin() + 4, is_digit);
  if (!starts_as_date) return std::nullopt;
  const auto time = parse_iso8601(text);
  if (!time) return std::nullopt;
  if (text.size() == 10) return typed_json("date", text);
  if (std::string_view("Tt ").find(text[10]) == std::string_view::npos) return std::nullopt;
  const bool has_zone = text.find_first_of("Z+-", 11) != std::string_view::npos;
  std::string iso = to_iso8601(*time);
  if (!has_zone) iso.resize(iso.size() - std::string_view("+00:00").size());
  return typed_json("datetime", iso);
}

Json resolve_plain(const std::string& text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (is_one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})) {
    return false;
  }
  if (auto integer = read_integer(text)) return std::move(*integer);
  if (auto real = read_real(text)) return std::move(*real);
  if (auto timestamp = read_timestamp(text)) return std::move(*timestamp);
  return text;
}

class Converter {
 public:
  explicit Converter(std::size_t max_values) : values_left_(max_values) {}

  Json convert(const YAML::Node& node, std::size_t depth) {
    if (depth > kMaxDepth) {
      throw_not_yaml(node.Mark(), "nested deeper than " + std::to_string(kMaxDepth));
    }
    if (values_left_-- == 0) throw_not_yaml(node.Mark(), "its aliases stand for too many values");
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return convert_scalar(node);
      case YAML::NodeType::Sequence:
        return convert_sequence(node, depth);
      case YAML::NodeType::Map:
        return convert_map(node, depth);
      default:
        return nullptr;
    }
  }

 private:
  static Json convert_scalar(const YAML::Node& node) {
    const std::string& tag = node.Tag();
    const std::string& text = node.Scalar();
    if (tag == "?" || tag.empty()) return resolve_plain(text);
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return text;
    if (tag == "tag:yaml.org,2002:binary") {
      if (auto bytes = bytes_from_json(typed_json("base64", text))) return bytes_to_json(*bytes);
      throw_not_yaml(node.Mark(), "!!binary is not base64");
    }
    if (is_one_of(tag,
                  {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool",
                   "tag:yaml.org,2002:null", "tag:yaml.org,2002:timestamp"})) {
      return resolve_plain(text);
    }
    throw_not_yaml(node.Mark(), "the tag " + tag + " is not safe to load");
  }

  Json convert_sequence(const YAML::Node& node, std::size_t depth) {
    require_tag(node, {"tag:yaml.org,2002:seq"});
    Json::Array items;
    items.reserve(node.size());
    for (const YAML::Node& item : node) items.push_back(convert(item, depth + 1));
    return items;
  }

  Json convert_map(const YAML::Node& node, std::size_t depth) {
    require_tag(node, {"tag:yaml.org,2002:map", "tag:yaml.org,2002:set"});
    if (node.Tag() == "tag:yaml.org,2002:set") {
      Json::Array items;
      for (const auto& member : node) items.push_back(convert(member.first, depth + 1));
      return items;
    }
    std::vector<JsonObject::Member> members;
    members.reserve(node.size());
    for (const auto& member : node) {
      const Json key = convert(member.first, depth + 1);
      if (!key.is_string()) throw_not_yaml(member.first.Mark(), "the key of a map is not a text");
      members.emplace_back(*key.as_string(), convert(member.second, depth + 1));
    }
    return JsonObject::last_of_equal_keys(std::move(members));
  }

  static void require_tag(const YAML::Node& node, std::initializer_list<std::string_view> known) {
    const std::string& tag = node.Tag();
    if (tag.empty() || tag == "?" || tag == "!" || is_one_of(tag, known)) return;
    throw_not_yaml(node.Mark(), "the tag " + tag + " is not safe to load");
  }

  std::size_t values_left_;
};

// PyYAML reads a real only with a point: 1e+16 becomes 1.0e+16.
std::string real_text(double value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value < 0 ? "-.inf" : ".inf";
  std::string text;
  append_python_float(text, value);
  const std::size_t mark = text.find('e');
  if (mark != std::string::npos && text.find('.') == std::string::npos) text.insert(mark, ".0");
  return text;
}

void emit_text(YAML::Emitter& out, const std::string& text) {
  if (const auto invalid = find_invalid_utf8(text)) {
    throw EncodeError("cannot write a text as YAML: invalid UTF-8 at byte " +
                      std::to_string(*invalid));
  }
  out << YAML::DoubleQuoted << text;
}

void emit(YAML::Emitter& out, const Json& value) {
  switch (value.kind()) {
    case Json::Kind::null:
      out << YAML::Null;
      break;
    case Json::Kind::boolean:
      out << *value.as_bool();
      break;
    case Json::Kind::integer:
      out << *value.as_int();
      break;
    case Json::Kind::big_integer:
      out << value.as_big_integer()->digits;
      break;
    case Json::Kind::real:
      out << real_text(*value.as_double());
      break;
    case Json::Kind::string:
      emit_text(out, *value.as_string());
      break;
    case Json::Kind::array:
      out << YAML::Flow << YAML::BeginSeq;
      for (const Json& item : *value.as_array()) emit(out, item);
      out << YAML::EndSeq;
      break;
    case Json::Kind::object: {
      if (const auto bytes = bytes_from_json(value)) {
        out << YAML::Binary(reinterpret_cast<const unsigned char*>(bytes->data()), bytes->size());
        break;
      }
      if (const auto typed = as_typed(value);
          typed && (typed->type == "datetime" || typed->type == "date") &&
          typed->value->is_string() && resolve_plain(*typed->value->as_string()) == value) {
        out << *typed->value->as_string();
        break;
      }
      out << YAML::Flow << YAML::BeginMap;
      for (const auto& [key, member] : *value.as_object()) {
        out << YAML::Key;
        emit_text(out, key);
        out << YAML::Value;
        emit(out, member);
      }
      out << YAML::EndMap;
      break;
    }
  }
}

}  // namespace

Json parse_yaml(std::string_view body) {
  if (const auto invalid = find_invalid_utf8(body)) {
    throw MessageError(MessageError::Kind::undecodable,
                       "not YAML, at byte " + std::to_string(*invalid) + ": invalid UTF-8");
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(body));
    if (documents.empty()) return nullptr;
    if (documents.size() > 1) throw_not_yaml(documents[1].Mark(), "a second document");
    return Converter(max_values(body)).convert(documents.front(), 0);
  } catch (const YAML::Exception& error) {
    throw_not_yaml(error.mark, error.msg);
  }
}

std::string dump_yaml(const Json& value) {
  YAML::Emitter out;
  // As safe_dump; left raw, a DEL or a control character would be refused by PyYAML.
  out.SetOutputCharset(YAML::EscapeNonAscii);
  emit(out, value);
  if (!out.good()) throw EncodeError("cannot write as YAML: " + out.GetLastError());
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace celeriac::protocol
