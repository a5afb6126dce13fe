// An owning JSON value, as Celery's messages and results carry it.
//
// Python's json is the model: integers of up to 308 digits (RapidJSON's bound),
// NaN and Infinity, members in the order in which they were written, the last of equal keys wins.
// Values that kombu types (`{"__type__": …, "__value__": …}`) stay as they are
// here, so what is only passed on is passed on unchanged.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace celeriac {

class Json;

// An integer outside the 64-bit range, as its decimal digits.
struct BigInteger {
  std::string digits;
  bool operator==(const BigInteger&) const = default;
};

// The members of an object, in writing order.
class JsonObject {
 public:
  using Member = std::pair<std::string, Json>;

  JsonObject();
  JsonObject(std::initializer_list<Member> members);
  // Takes over members as a decoder has read them; of equal keys the last value
  // wins, at the place of the first.
  static JsonObject last_of_equal_keys(std::vector<Member> members);
  JsonObject(const JsonObject&);
  JsonObject(JsonObject&&) noexcept;
  JsonObject& operator=(const JsonObject&);
  JsonObject& operator=(JsonObject&&) noexcept;
  ~JsonObject();

  // The member's value, or null if there is none.
  const Json* find(std::string_view key) const;
  Json* find(std::string_view key);
  bool contains(std::string_view key) const { return find(key) != nullptr; }

  // The member's value; a new null member is appended if there is none.
  Json& operator[](std::string_view key);
  // Replaces the value, or appends the member.
  void set(std::string_view key, Json value);
  // True if there was such a member.
  bool erase(std::string_view key);

  std::size_t size() const;
  bool empty() const;
  std::vector<Member>::const_iterator begin() const;
  std::vector<Member>::const_iterator end() const;
  std::vector<Member>::iterator begin();
  std::vector<Member>::iterator end();

  // Equal members in any order.
  bool operator==(const JsonObject& other) const;

 private:
  std::vector<Member> members_;
};

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = JsonObject;
  enum class Kind { null, boolean, integer, big_integer, real, string, array, object };

  Json() = default;
  Json(std::nullptr_t) {}
  Json(std::same_as<bool> auto value) : value_(value) {}
  // Unsigned values above the 64-bit signed range become a BigInteger.
  template <std::integral I>
  requires(!std::same_as<I, bool>) Json(I value) {
    if constexpr (std::unsigned_integral<I> && sizeof(I) >= sizeof(std::int64_t)) {
      if (value > static_cast<I>(INT64_MAX)) {
        value_ = BigInteger{std::to_string(value)};
        return;
      }
    }
    value_ = static_cast<std::int64_t>(value);
  }
  Json(std::floating_point auto value) : value_(static_cast<double>(value)) {}
  Json(BigInteger value) : value_(std::move(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  template <class T>
  Json(const std::optional<T>& value) : Json(value ? Json(*value) : Json()) {}

  static Json array(std::initializer_list<Json> items = {}) { return Json(Array(items)); }
  static Json object(std::initializer_list<Object::Member> members = {}) {
    return Json(Object(members));
  }

  Kind kind() const { return static_cast<Kind>(value_.index()); }
  bool is_null() const { return kind() == Kind::null; }
  bool is_bool() const { return kind() == Kind::boolean; }
  bool is_integer() const { return kind() == Kind::integer || kind() == Kind::big_integer; }
  bool is_number() const { return is_integer() || kind() == Kind::real; }
  bool is_string() const { return kind() == Kind::string; }
  bool is_array() const { return kind() == Kind::array; }
  bool is_object() const { return kind() == Kind::object; }

  // The value if it is of that kind, else null. A number read as double may be
  // an integer; `as_int` is empty for reals and for integers beyond 64 bits.
  std::optional<bool> as_bool() const;
  std::optional<std::int64_t> as_int() const;
  std::optional<double> as_double() const;
  const std::string* as_string() const { return std::get_if<std::string>(&value_); }
  const BigInteger* as_big_integer() const { return std::get_if<BigInteger>(&value_); }
  const Array* as_array() const { return std::get_if<Array>(&value_); }
  Array* as_array() { return std::get_if<Array>(&value_); }
  const Object* as_object() const { return std::get_if<Object>(&value_); }
  Object* as_object() { return std::get_if<Object>(&value_); }
  std::string string_or(std::string_view fallback) const;

  // The member of an object, or null if this is no object or has no such key.
  const Json* find(std::string_view key) const;
  // The member of an object; a missing one, or no object, reads as JSON null.
  const Json& operator[](std::string_view key) const;

  // Python's truth: null, false, 0, "", [] and {} are false.
  bool truthy() const;

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, BigInteger, double, std::string, Array, Object>
      value_;
};

// How much a text may ask of us before it is refused.
struct JsonLimits {
  std::size_t max_depth = 512;  // nesting of arrays and objects
};

// Reads one JSON document, as Python's json.loads does (NaN and Infinity are
// accepted). Throws MessageError(undecodable) naming the offset and the cause.
Json parse_json(std::string_view text, JsonLimits limits = {});

// Writes as Python's json.dumps: `", "` and `": "` between, ASCII escapes,
// floats in their shortest form that reads back equal. A text that is not UTF-8
// throws EncodeError.
std::string dump_json(const Json& value);

// Python's repr, as argsrepr, results in logs and events show it (Celery 5.x,
// saferepr): strings in single quotes, at most `max_length` characters and
// three levels of nesting, the rest as `...`.
std::string python_repr(const Json& value, std::size_t max_length = 1024);
// The same for a list of positional arguments, shown as a tuple: `(2, 3)`.
std::string python_repr_tuple(const Json::Array& items, std::size_t max_length = 1024);

// A Member is complete only from here on; Clang minds.
inline std::size_t JsonObject::size() const {
  return members_.size();
}
inline bool JsonObject::empty() const {
  return members_.empty();
}
inline std::vector<JsonObject::Member>::const_iterator JsonObject::begin() const {
  return members_.begin();
}
inline std::vector<JsonObject::Member>::const_iterator JsonObject::end() const {
  return members_.end();
}
inline std::vector<JsonObject::Member>::iterator JsonObject::begin() {
  return members_.begin();
}
inline std::vector<JsonObject::Member>::iterator JsonObject::end() {
  return members_.end();
}

}  // namespace celeriac
