#include "protocol/json/python_value.h"

#include <celeriac/typed_json.h>

#include <charconv>
#include <chrono>
#include <string_view>
#include <vector>

#include "protocol/message/timestamp.h"

namespace celeriac::protocol {
namespace {

using namespace std::chrono;

// The offset that ends an ISO 8601 time: `+02:00`, `Z`; nothing if there is none.
std::optional<seconds> zone_of(std::string_view text) {
  if (text.ends_with('Z')) return seconds(0);
  const std::size_t sign = text.find_last_of("+-");
  if (sign == std::string_view::npos || sign < text.find(':')) return std::nullopt;
  int hour = 0, minute = 0;
  const char* digits = text.data() + sign + 1;
  const char* end = text.data() + text.size();
  digits = std::from_chars(digits, end, hour).ptr;
  if (digits < end && *digits == ':') std::from_chars(digits + 1, end, minute);
  const seconds offset = hours(hour) + minutes(minute);
  return text[sign] == '-' ? -offset : offset;
}

// timezone.utc, or timezone(timedelta(…)) with timedelta's days below zero.
std::string zone_repr(seconds offset) {
  if (offset == seconds(0)) return "datetime.timezone.utc";
  std::string delta;
  const days whole = floor<days>(offset);
  if (whole.count() != 0) delta = "days=" + std::to_string(whole.count()) + ", ";
  delta += "seconds=" + std::to_string((offset - whole).count());
  return "datetime.timezone(datetime.timedelta(" + delta + "))";
}

std::string joined(std::string_view name, const std::vector<std::string>& parts) {
  std::string text(name);
  const char* separator = "(";
  for (const std::string& part : parts) {
    text.append(separator).append(part);
    separator = ", ";
  }
  return text.append(")");
}

// Hour and minute always, second and microsecond only as far as they are not zero.
void append_clock(std::vector<std::string>& parts, microseconds since_midnight) {
  const hh_mm_ss clock(since_midnight);
  parts.push_back(std::to_string(clock.hours().count()));
  parts.push_back(std::to_string(clock.minutes().count()));
  const bool has_fraction = clock.subseconds().count() != 0;
  if (has_fraction || clock.seconds().count() != 0) {
    parts.push_back(std::to_string(clock.seconds().count()));
  }
  if (has_fraction) parts.push_back(std::to_string(clock.subseconds().count()));
}

std::vector<std::string> date_parts(year_month_day date) {
  return {std::to_string(static_cast<int>(date.year())),
          std::to_string(static_cast<unsigned>(date.month())),
          std::to_string(static_cast<unsigned>(date.day()))};
}

std::optional<std::string> datetime_repr(const Json& value) {
  const auto time = datetime_from_json(value);
  if (!time) return std::nullopt;
  const auto zone = zone_of(*value["__value__"].as_string());
  const auto local = *time + zone.value_or(seconds(0));
  const auto midnight = floor<days>(local);
  std::vector<std::string> parts = date_parts(midnight);
  append_clock(parts, local - midnight);
  if (zone) parts.push_back("tzinfo=" + zone_repr(*zone));
  return joined("datetime.datetime", parts);
}

std::optional<std::string> time_repr(const Json& value) {
  const auto time = time_from_json(value);
  if (!time) return std::nullopt;
  std::vector<std::string> parts;
  append_clock(parts, *time);
  return joined("datetime.time", parts);
}

std::string in_quotes(const std::string& text) {
  return std::string("'").append(text).append("'");
}

}  // namespace

std::optional<std::string> typed_value_repr(const Json& value) {
  const auto typed = as_typed(value);
  if (!typed) return std::nullopt;
  if (typed->type == "datetime") return datetime_repr(value);
  if (typed->type == "time") return time_repr(value);
  if (typed->type == "date") {
    const auto date = date_from_json(value);
    return date ? std::optional(joined("datetime.date", date_parts(*date))) : std::nullopt;
  }
  if (typed->type == "decimal") {
    const auto digits = decimal_from_json(value);
    return digits ? std::optional(joined("Decimal", {in_quotes(*digits)})) : std::nullopt;
  }
  if (typed->type == "uuid") {
    const auto uuid = uuid_from_json(value);
    return uuid ? std::optional(joined("UUID", {in_quotes(*uuid)})) : std::nullopt;
  }
  return std::nullopt;
}

std::string_view python_type(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::null:
      return "None";
    case Json::Kind::boolean:
      return "bool";
    case Json::Kind::integer:
    case Json::Kind::big_integer:
      return "int";
    case Json::Kind::real:
      return "float";
    case Json::Kind::string:
      return "str";
    case Json::Kind::array:
      return "list";
    case Json::Kind::object:
      return "dict";
  }
  return "object";
}

}  // namespace celeriac::protocol
