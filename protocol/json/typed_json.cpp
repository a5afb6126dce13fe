#include <celeriac/error.h>
#include <celeriac/typed_json.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "protocol/json/utf8.h"
#include "protocol/message/timestamp.h"

namespace celeriac {
namespace {

using namespace std::chrono;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = (group << 8) | (k < count ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= count ? kBase64[(group >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return out;
}

// White space is skipped, as YAML breaks long texts; anything else must fit.
std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  std::uint32_t group = 0;
  std::size_t digits = 0, padding = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r' || c == ' ') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const std::size_t digit = kBase64.find(c);
    if (digit == std::string_view::npos || padding > 0) return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(digit);
    if (++digits % 4 == 0) {
      out +=
          {static_cast<char>(group >> 16), static_cast<char>(group >> 8), static_cast<char>(group)};
      group = 0;
    }
  }
  const std::size_t rest = digits % 4;
  if (rest == 1 || (rest + padding) % 4 != 0 || padding > 2) return std::nullopt;
  if (rest == 2) out += static_cast<char>(group >> 4);
  if (rest == 3) out += {static_cast<char>(group >> 10), static_cast<char>(group >> 2)};
  return out;
}

// The text of a value of this type, typed or as older versions wrote it.
const std::string* text_of(const Json& json, std::string_view type) {
  if (const auto typed = as_typed(json)) {
    return typed->type == type ? typed->value->as_string() : nullptr;
  }
  return json.as_string();
}

// The 32 digits of a UUID in lower case, or nothing.
std::optional<std::string> uuid_digits(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (c == '-') continue;
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
    digits += c;
  }
  return digits.size() == 32 ? std::optional(digits) : std::nullopt;
}

}  // namespace

std::optional<TypedJsonView> as_typed(const Json& json) {
  const Json::Object* object = json.as_object();
  if (object == nullptr || object->size() != 2) return std::nullopt;
  const Json* type = object->find("__type__");
  const Json* value = object->find("__value__");
  if (type == nullptr || value == nullptr || !type->is_string()) return std::nullopt;
  return TypedJsonView{*type->as_string(), value};
}

Json typed_json(std::string_view type, Json value) {
  return Json::object({{"__type__", Json(type)}, {"__value__", std::move(value)}});
}

Json datetime_to_json(sys_time<Microseconds> time) {
  return typed_json("datetime", protocol::to_iso8601(time));
}

std::optional<sys_time<Microseconds>> datetime_from_json(const Json& json) {
  const std::string* text = text_of(json, "datetime");
  return text != nullptr ? protocol::parse_iso8601(*text) : std::nullopt;
}

Json date_to_json(year_month_day date) {
  return typed_json("date", protocol::to_iso8601(sys_days(date)).substr(0, 10));
}

std::optional<year_month_day> date_from_json(const Json& json) {
  const std::string* text = text_of(json, "date");
  if (text == nullptr) return std::nullopt;
  const auto time = protocol::parse_iso8601(*text);
  if (!time) return std::nullopt;
  return year_month_day(floor<days>(*time));
}

Json time_to_json(Microseconds time_of_day) {
  const std::string iso = protocol::to_iso8601(sys_time<Microseconds>(time_of_day));
  constexpr std::size_t kDate = std::string_view("1970-01-01T").size();
  constexpr std::size_t kZone = std::string_view("+00:00").size();
  return typed_json("time", iso.substr(kDate, iso.size() - kDate - kZone));
}

std::optional<Microseconds> time_from_json(const Json& json) {
  const std::string* text = text_of(json, "time");
  if (text == nullptr) return std::nullopt;
  const auto time = protocol::parse_iso8601("1970-01-01T" + *text);
  return time ? std::optional(time->time_since_epoch()) : std::nullopt;
}

Json decimal_to_json(std::string_view digits) {
  return typed_json("decimal", digits);
}

std::optional<std::string> decimal_from_json(const Json& json) {
  const std::string* text = text_of(json, "decimal");
  return text != nullptr ? std::optional(*text) : std::nullopt;
}

Json uuid_to_json(std::string_view uuid) {
  std::optional<std::string> digits = uuid_digits(uuid);
  if (!digits) throw EncodeError("'" + std::string(uuid) + "' is not a UUID");
  return typed_json("uuid", Json::object({{"hex", std::move(*digits)}}));
}

std::optional<std::string> uuid_from_json(const Json& json) {
  const auto typed = as_typed(json);
  if (typed && typed->type != "uuid") return std::nullopt;
  const Json& text = typed ? (*typed->value)["hex"] : json;
  if (!text.is_string()) return std::nullopt;
  std::optional<std::string> digits = uuid_digits(*text.as_string());
  if (!digits) return std::nullopt;
  for (std::size_t at : {20U, 16U, 12U, 8U}) digits->insert(at, 1, '-');
  return digits;
}

Json bytes_to_json(std::string_view bytes) {
  if (!protocol::find_invalid_utf8(bytes)) return typed_json("bytes", bytes);
  return typed_json("base64", encode_base64(bytes));
}

std::optional<std::string> bytes_from_json(const Json& json) {
  const auto typed = as_typed(json);
  if (!typed || !typed->value->is_string()) return std::nullopt;
  const std::string& text = *typed->value->as_string();
  if (typed->type == "bytes") return text;
  if (typed->type == "base64") return decode_base64(text);
  return std::nullopt;
}

}  // namespace celeriac
