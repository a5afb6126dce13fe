#include <celeriac/convert.h>

#include <algorithm>
#include <cstring>

#include "protocol/json/python_value.h"

namespace celeriac::detail {
namespace {

// A text that was meant for it is told apart from another type.
template <class T>
T require(std::optional<T> value, std::string_view type, const Json& json, const Place& place) {
  if (value) return *std::move(value);
  const auto typed = as_typed(json);
  const Json& text = typed ? *typed->value : json;
  if (!text.is_string() || (typed && typed->type != type)) place.wrong_type(type, json);
  place.refuse(": no " + std::string(type) + ": " + python_repr(text));
}

}  // namespace

Bytes read_bytes(const Json& json, const Place& place) {
  const std::optional<std::string> text = bytes_from_json(json);
  if (!text) place.wrong_type("bytes", json);
  Bytes bytes(text->size());
  if (!text->empty()) std::memcpy(bytes.data(), text->data(), text->size());
  return bytes;
}

Json write_bytes(const Bytes& bytes) {
  std::string text(bytes.size(), '\0');
  if (!bytes.empty()) std::memcpy(text.data(), bytes.data(), bytes.size());
  return bytes_to_json(text);
}

Json bytes_schema() {
  const Json base64 = Json::object({{"type", "string"}, {"contentEncoding", "base64"}});
  return Json::object({{"anyOf", Json::array({typed_schema("bytes", type_schema("string")),
                                              typed_schema("base64", base64)})}});
}

std::chrono::year_month_day read_date(const Json& json, const Place& place) {
  return require(date_from_json(json), "date", json, place);
}

std::chrono::microseconds read_time(const Json& json, const Place& place) {
  return require(time_from_json(json), "time", json, place);
}

Decimal read_decimal(const Json& json, const Place& place) {
  return {require(decimal_from_json(json), "decimal", json, place)};
}

Json decimal_schema() {
  const Json text = type_schema("string");
  return Json::object({{"anyOf", Json::array({typed_schema("decimal", text), text})}});
}

Uuid read_uuid(const Json& json, const Place& place) {
  return {require(uuid_from_json(json), "uuid", json, place)};
}

Json uuid_schema() {
  const Json hex = Json::object({{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}});
  const Json text = Json::object({{"type", "string"}, {"format", "uuid"}});
  return Json::object(
      {{"anyOf",
        Json::array(
            {typed_schema("uuid", Json::object({{"type", "object"},
                                                {"properties", Json::object({{"hex", hex}})},
                                                {"required", Json::array({"hex"})}})),
             text})}});
}

}  // namespace celeriac::detail
