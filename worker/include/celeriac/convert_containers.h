// Containers of the standard library in JSON, beside those of convert.h: tuples, pairs, variants,
// arrays, sets and unordered maps. Included by <celeriac/convert.h>.
//
// Python's JSON has lists alone: a tuple or a set that a Python caller sends comes as a list, and
// one that a task returns is a list to him.
#pragma once

#include <celeriac/convert.h>

#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

namespace celeriac {
namespace detail {

const Json::Array& read_list(const Json& json, const Place& place);
const Json::Array& read_list(const Json& json, const Place& place, std::size_t size);
const JsonObject& read_members(const Json& json, const Place& place);
// `int | str`: each once.
std::string any_of(std::initializer_list<std::string> annotations);

// What can be read as a list of so many values, each of its own type.
template <class Tuple>
struct TupleType;
template <template <class...> class Tuple, class... Ts>
struct TupleType<Tuple<Ts...>> {
  using Value = Tuple<Ts...>;
  static Value read(const Json& json, const Place& place) {
    return read(read_list(json, place, sizeof...(Ts)), place, std::index_sequence_for<Ts...>());
  }
  static Json write(const Value& value) { return write(value, std::index_sequence_for<Ts...>()); }
  static std::string annotation() {
    return "Sequence[" + any_of({JsonType<Ts>::annotation()...}) + "]";
  }
  static Json schema() {
    return Json::object({{"type", "array"},
                         {"prefixItems", Json::Array{JsonType<Ts>::schema()...}},
                         {"items", false},
                         {"minItems", sizeof...(Ts)}});
  }

 private:
  template <std::size_t... I>
  static Value read(const Json::Array& items, const Place& place, std::index_sequence<I...>) {
    return Value{JsonType<Ts>::read(items[I], Place(place, I))...};
  }
  template <std::size_t... I>
  static Json write(const Value& value, std::index_sequence<I...>) {
    return Json(Json::Array{JsonType<Ts>::write(std::get<I>(value))...});
  }
};

// A list without two that are equal.
template <class Set>
struct SetType {
  using T = typename Set::value_type;
  static Set read(const Json& json, const Place& place) {
    const Json::Array& items = read_list(json, place);
    Set values;
    for (std::size_t i = 0; i < items.size(); ++i) {
      values.insert(JsonType<T>::read(items[i], Place(place, i)));
    }
    return values;
  }
  static Json write(const Set& values) {
    Json::Array items;
    for (const T& value : values) items.push_back(JsonType<T>::write(value));
    return Json(std::move(items));
  }
  static std::string annotation() { return "list[" + JsonType<T>::annotation() + "]"; }
  static Json schema() {
    return Json::object({{"type", "array"}, {"items", JsonType<T>::schema()}});
  }
};

}  // namespace detail

template <class... Ts>
struct JsonType<std::tuple<Ts...>> : detail::TupleType<std::tuple<Ts...>> {};
template <class A, class B>
struct JsonType<std::pair<A, B>> : detail::TupleType<std::pair<A, B>> {};
template <class T>
struct JsonType<std::set<T>> : detail::SetType<std::set<T>> {};
template <class T>
struct JsonType<std::unordered_set<T>> : detail::SetType<std::unordered_set<T>> {};

template <class T, std::size_t N>
struct JsonType<std::array<T, N>> {
  static std::array<T, N> read(const Json& json, const Place& place) {
    const Json::Array& items = detail::read_list(json, place, N);
    std::array<T, N> values{};
    for (std::size_t i = 0; i < N; ++i) {
      values[i] = JsonType<T>::read(items[i], Place(place, i));
    }
    return values;
  }
  static Json write(const std::array<T, N>& values) {
    Json::Array items;
    for (const T& value : values) items.push_back(JsonType<T>::write(value));
    return Json(std::move(items));
  }
  static std::string annotation() { return "list[" + JsonType<T>::annotation() + "]"; }
  static Json schema() {
    return Json::object(
        {{"type", "array"}, {"items", JsonType<T>::schema()}, {"minItems", N}, {"maxItems", N}});
  }
};

template <class T>
struct JsonType<std::unordered_map<std::string, T>> {
  using Map = std::unordered_map<std::string, T>;
  static Map read(const Json& json, const Place& place) {
    Map values;
    for (const auto& [key, value] : detail::read_members(json, place)) {
      values.insert_or_assign(key, JsonType<T>::read(value, Place(place, key)));
    }
    return values;
  }
  static Json write(const Map& values) {
    JsonObject members;
    for (const auto& [key, value] : values) members.set(key, JsonType<T>::write(value));
    return Json(std::move(members));
  }
  static std::string annotation() { return JsonType<std::map<std::string, T>>::annotation(); }
  static Json schema() { return JsonType<std::map<std::string, T>>::schema(); }
};

template <>
struct JsonType<std::monostate> {
  static std::monostate read(const Json& json, const Place& place) {
    if (!json.is_null()) place.wrong_type("None", json);
    return {};
  }
  static Json write(std::monostate) { return Json(); }
  static std::string annotation() { return "None"; }
  static Json schema() { return detail::type_schema("null"); }
};

// The first alternative that takes the value, in the order of the variant.
template <class... Ts>
struct JsonType<std::variant<Ts...>> {
  using Value = std::variant<Ts...>;
  static Value read(const Json& json, const Place& place) {
    std::optional<Value> value;
    (void)(take<Ts>(json, place, value) || ...);
    if (!value) place.wrong_type(detail::any_of({JsonType<Ts>::annotation()...}), json);
    return *std::move(value);
  }
  static Json write(const Value& value) {
    return std::visit([]<class T>(const T& held) { return JsonType<T>::write(held); }, value);
  }
  static std::string annotation() { return detail::any_of({JsonType<Ts>::annotation()...}); }
  static Json schema() { return Json::object({{"anyOf", Json::Array{JsonType<Ts>::schema()...}}}); }

 private:
  template <class T>
  static bool take(const Json& json, const Place& place, std::optional<Value>& value) {
    try {
      value.emplace(std::in_place_type<T>, JsonType<T>::read(json, place));
    } catch (const ArgumentError&) {
      return false;
    }
    return true;
  }
};

}  // namespace celeriac
