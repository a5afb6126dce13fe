// How arguments and results pass between JSON and C++.
//
// Known are bool, integers, floating point, std::string, std::optional (null), std::vector,
// std::map<std::string, T>, Json, JsonObject, std::chrono durations (seconds) and system-clock
// time points (datetime); further containers and variants (convert_containers.h); bytes, dates,
// times of day, decimals and UUIDs (convert_values.h). A type of your own is added by two
// functions in its namespace:
//
//   void from_json(const celeriac::Json& json, Point& point);   // throws ArgumentError
//   celeriac::Json to_json(const Point& point);
//
// Each type also says what it is called in Python (`annotation`) and what its JSON looks like
// (`schema`, a JSON Schema of draft 2020-12): `celeriac stubs` writes both.
#pragma once

#include <celeriac/error.h>
#include <celeriac/json.h>

#include <chrono>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace celeriac {

// Where a value stands, for error texts: `add() argument 'xs[2]'`. Lives on the stack
// of whoever converts.
class Place {
 public:
  Place(std::string_view function, std::string_view argument)
      : function_(function), name_(argument) {}
  Place(const Place& parent, std::size_t index) : parent_(&parent), index_(index) {}
  Place(const Place& parent, std::string_view key) : parent_(&parent), name_(key) {}

  std::string text() const;
  // Throws ArgumentError: `add() argument 'x' must be int, not str`.
  [[noreturn]] void wrong_type(std::string_view expected, const Json& got) const;
  // Throws ArgumentError with this text behind the place.
  [[noreturn]] void refuse(const std::string& text) const;

 private:
  std::string path() const;

  const Place* parent_ = nullptr;
  std::string_view function_, name_;
  std::size_t index_ = 0;
};

// How one type is read, written and called in Python. The general case is a user's type.
template <class T>
struct JsonType {
  static T read(const Json& json, const Place& place) {
    T value{};
    try {
      from_json(json, value);
    } catch (const ArgumentError& error) {
      place.refuse(std::string(": ") + error.what());
    }
    return value;
  }
  static Json write(const T& value) { return to_json(value); }
  static std::string annotation() { return "Any"; }
  static Json schema() { return Json::object(); }
};

// For use outside of a task's own arguments and result.
template <class T>
T from_json_value(const Json& json) {
  return JsonType<T>::read(json, Place({}, "value"));
}
template <class T>
Json to_json_value(const T& value) {
  return JsonType<T>::write(value);
}

namespace detail {
std::int64_t read_integer(const Json& json, const Place& place, std::int64_t lowest,
                          std::int64_t highest);
std::uint64_t read_unsigned(const Json& json, const Place& place);
double read_real(const Json& json, const Place& place);
using Microseconds = std::chrono::sys_time<std::chrono::microseconds>;
Microseconds read_datetime(const Json& json, const Place& place);
Json write_datetime(Microseconds time);
inline Json type_schema(const char* type) {
  return Json::object({{"type", type}});
}
// A typed object of this name around such a value.
Json typed_schema(const char* type, Json value);
// The same, or the plain text, which older versions of kombu wrote.
Json text_schema(const char* type, const char* format);
}  // namespace detail

template <>
struct JsonType<Json> {
  static Json read(const Json& json, const Place&) { return json; }
  static Json write(Json value) { return value; }
  static std::string annotation() { return "Any"; }
  static Json schema() { return Json::object(); }
};

template <>
struct JsonType<JsonObject> {
  static JsonObject read(const Json& json, const Place& place) {
    if (const JsonObject* object = json.as_object()) return *object;
    place.wrong_type("dict", json);
  }
  static Json write(JsonObject value) { return Json(std::move(value)); }
  static std::string annotation() { return "dict[str, Any]"; }
  static Json schema() { return detail::type_schema("object"); }
};

template <>
struct JsonType<bool> {
  static bool read(const Json& json, const Place& place) {
    if (auto value = json.as_bool()) return *value;
    place.wrong_type("bool", json);
  }
  static Json write(bool value) { return Json(value); }
  static std::string annotation() { return "bool"; }
  static Json schema() { return detail::type_schema("boolean"); }
};

template <std::integral T>
struct JsonType<T> {
  static T read(const Json& json, const Place& place) {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == sizeof(std::uint64_t)) {
      return static_cast<T>(detail::read_unsigned(json, place));
    } else {
      return static_cast<T>(detail::read_integer(json, place, std::numeric_limits<T>::min(),
                                                 std::numeric_limits<T>::max()));
    }
  }
  static Json write(T value) { return Json(value); }
  static std::string annotation() { return "int"; }
  static Json schema() {
    return Json::object({{"type", "integer"},
                         {"minimum", Json(std::numeric_limits<T>::min())},
                         {"maximum", Json(std::numeric_limits<T>::max())}});
  }
};

template <std::floating_point T>
struct JsonType<T> {
  static T read(const Json& json, const Place& place) {
    return static_cast<T>(detail::read_real(json, place));
  }
  static Json write(T value) { return Json(value); }
  static std::string annotation() { return "float"; }
  static Json schema() { return detail::type_schema("number"); }
};

template <>
struct JsonType<std::string> {
  static std::string read(const Json& json, const Place& place) {
    if (const std::string* text = json.as_string()) return *text;
    place.wrong_type("str", json);
  }
  static Json write(std::string value) { return Json(std::move(value)); }
  static std::string annotation() { return "str"; }
  static Json schema() { return detail::type_schema("string"); }
};

// Texts that only ever go out: defaults and results.
template <>
struct JsonType<const char*> {
  static Json write(const char* value) { return Json(value); }
  static std::string annotation() { return "str"; }
  static Json schema() { return detail::type_schema("string"); }
};
template <>
struct JsonType<std::string_view> {
  static Json write(std::string_view value) { return Json(value); }
  static std::string annotation() { return "str"; }
  static Json schema() { return detail::type_schema("string"); }
};
template <>
struct JsonType<std::nullptr_t> {
  static Json write(std::nullptr_t) { return Json(); }
  static std::string annotation() { return "None"; }
  static Json schema() { return detail::type_schema("null"); }
};

template <class T>
struct JsonType<std::optional<T>> {
  static std::optional<T> read(const Json& json, const Place& place) {
    if (json.is_null()) return std::nullopt;
    return JsonType<T>::read(json, place);
  }
  static Json write(const std::optional<T>& value) {
    return value ? JsonType<T>::write(*value) : Json();
  }
  static std::string annotation() { return JsonType<T>::annotation() + " | None"; }
  static Json schema() {
    return Json::object(
        {{"anyOf", Json::array({JsonType<T>::schema(), JsonType<std::nullptr_t>::schema()})}});
  }
};

template <class T>
struct JsonType<std::vector<T>> {
  static std::vector<T> read(const Json& json, const Place& place) {
    const Json::Array* items = json.as_array();
    if (!items) place.wrong_type("list", json);
    std::vector<T> values;
    values.reserve(items->size());
    for (std::size_t i = 0; i < items->size(); ++i) {
      values.push_back(JsonType<T>::read((*items)[i], Place(place, i)));
    }
    return values;
  }
  static Json write(const std::vector<T>& values) {
    Json::Array items;
    items.reserve(values.size());
    for (const T& value : values) items.push_back(JsonType<T>::write(value));
    return Json(std::move(items));
  }
  static std::string annotation() { return "list[" + JsonType<T>::annotation() + "]"; }
  static Json schema() {
    return Json::object({{"type", "array"}, {"items", JsonType<T>::schema()}});
  }
};

template <class T>
struct JsonType<std::map<std::string, T>> {
  static std::map<std::string, T> read(const Json& json, const Place& place) {
    const JsonObject* members = json.as_object();
    if (!members) place.wrong_type("dict", json);
    std::map<std::string, T> values;
    for (const auto& [key, value] : *members) {
      values.insert_or_assign(key, JsonType<T>::read(value, Place(place, key)));
    }
    return values;
  }
  static Json write(const std::map<std::string, T>& values) {
    JsonObject members;
    for (const auto& [key, value] : values) members.set(key, JsonType<T>::write(value));
    return Json(std::move(members));
  }
  static std::string annotation() { return "dict[str, " + JsonType<T>::annotation() + "]"; }
  static Json schema() {
    return Json::object({{"type", "object"}, {"additionalProperties", JsonType<T>::schema()}});
  }
};

// A duration is its number of seconds; Python's timedelta has no JSON form in Celery.
template <class Rep, class Period>
struct JsonType<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static Duration read(const Json& json, const Place& place) {
    const std::chrono::duration<double> seconds(detail::read_real(json, place));
    return std::chrono::duration_cast<Duration>(seconds);
  }
  static Json write(Duration value) { return Json(std::chrono::duration<double>(value).count()); }
  static std::string annotation() { return "float"; }
  static Json schema() { return detail::type_schema("number"); }
};

// A datetime: kombu's typed object, or a text in ISO 8601. Without a zone it is UTC.
template <class Duration>
struct JsonType<std::chrono::sys_time<Duration>> {
  using Time = std::chrono::sys_time<Duration>;
  static Time read(const Json& json, const Place& place) {
    return std::chrono::time_point_cast<Duration>(detail::read_datetime(json, place));
  }
  static Json write(Time value) {
    return detail::write_datetime(std::chrono::time_point_cast<std::chrono::microseconds>(value));
  }
  static std::string annotation() { return "datetime.datetime"; }
  static Json schema() { return detail::text_schema("datetime", "date-time"); }
};

}  // namespace celeriac

#include <celeriac/convert_containers.h>
#include <celeriac/convert_values.h>
