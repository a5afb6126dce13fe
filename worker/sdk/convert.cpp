#include <celeriac/convert.h>

#include <cmath>
#include <cstdlib>

#include "protocol/json/python_value.h"
#include "protocol/message/timestamp.h"

namespace celeriac {
namespace {

[[noreturn]] void out_of_range(const Json& json, const Place& place, const std::string& lowest,
                               const std::string& highest) {
  place.refuse(" is " + python_repr(json) + "; it must be from " + lowest + " to " + highest);
}

}  // namespace

std::string Place::path() const {
  if (!parent_) return std::string(name_);
  const std::string inner = name_.data() ? std::string(name_) : std::to_string(index_);
  return parent_->path() + "[" + inner + "]";
}

std::string Place::text() const {
  const Place* root = this;
  while (root->parent_) root = root->parent_;
  const std::string subject =
      root->function_.empty() ? "" : std::string(root->function_) + "() argument ";
  return subject + "'" + path() + "'";
}

void Place::wrong_type(std::string_view expected, const Json& got) const {
  refuse(" must be " + std::string(expected) + ", not " + std::string(protocol::python_type(got)));
}

void Place::refuse(const std::string& why) const {
  throw ArgumentError(text() + why);
}

namespace detail {

std::int64_t read_integer(const Json& json, const Place& place, std::int64_t lowest,
                          std::int64_t highest) {
  std::optional<std::int64_t> value = json.as_int();
  if (auto truth = json.as_bool()) value = *truth ? 1 : 0;  // Python's bool is an int
  if (!value && !json.is_integer()) place.wrong_type("int", json);
  if (!value || *value < lowest || *value > highest) {
    out_of_range(json, place, std::to_string(lowest), std::to_string(highest));
  }
  return *value;
}

std::uint64_t read_unsigned(const Json& json, const Place& place) {
  constexpr std::uint64_t kHighest = std::numeric_limits<std::uint64_t>::max();
  if (const BigInteger* big = json.as_big_integer()) {
    char* end = nullptr;
    errno = 0;
    const std::uint64_t value = std::strtoull(big->digits.c_str(), &end, 10);
    if (errno != 0 || big->digits.starts_with('-')) {
      out_of_range(json, place, "0", std::to_string(kHighest));
    }
    return value;
  }
  const std::int64_t value = read_integer(json, place, std::numeric_limits<std::int64_t>::min(),
                                          std::numeric_limits<std::int64_t>::max());
  if (value < 0) out_of_range(json, place, "0", std::to_string(kHighest));
  return static_cast<std::uint64_t>(value);
}

double read_real(const Json& json, const Place& place) {
  if (auto value = json.as_double()) return *value;
  if (auto truth = json.as_bool()) return *truth ? 1 : 0;
  if (const BigInteger* big = json.as_big_integer()) {
    return std::strtod(big->digits.c_str(), nullptr);
  }
  place.wrong_type("float", json);
}

// kombu's typed form: {"__type__": "datetime", "__value__": "2026-11-23T00:36:42+00:00"}.
Microseconds read_datetime(const Json& json, const Place& place) {
  const std::string* text = json.as_string();
  if (json["__type__"].string_or("") == "datetime") text = json["__value__"].as_string();
  if (!text) place.wrong_type("datetime", json);
  if (auto time = protocol::parse_iso8601(*text)) return *time;
  place.refuse(": Invalid isoformat string: " + python_repr(*text));
}

Json write_datetime(Microseconds time) {
  return Json::object({{"__type__", "datetime"}, {"__value__", Json(protocol::to_iso8601(time))}});
}

Json typed_schema(const char* type, Json value) {
  return Json::object({{"type", "object"},
                       {"properties", Json::object({{"__type__", Json::object({{"const", type}})},
                                                    {"__value__", std::move(value)}})},
                       {"required", Json::array({"__type__", "__value__"})},
                       {"additionalProperties", false}});
}

Json text_schema(const char* type, const char* format) {
  const Json text = Json::object({{"type", "string"}, {"format", format}});
  return Json::object({{"anyOf", Json::array({typed_schema(type, text), text})}});
}

}  // namespace detail
}  // namespace celeriac
