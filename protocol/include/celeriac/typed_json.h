// Values that JSON does not have, as kombu types them: objects with exactly the
// two members `__type__` and `__value__` (wire page, section 3.2).
//
// A reader also takes what kombu before 5.3 wrote where that is unmistakable for
// the type that was asked for: the plain text. A value that is none of these reads
// as nothing.
#pragma once

#include <celeriac/json.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace celeriac {

// A typed value; `type` and `value` point into the object that it was read from.
struct TypedJsonView {
  std::string_view type;
  const Json* value;
};
std::optional<TypedJsonView> as_typed(const Json& json);
Json typed_json(std::string_view type, Json value);

using Microseconds = std::chrono::microseconds;

// datetime: written with a zone, read as UTC where there is none.
Json datetime_to_json(std::chrono::sys_time<Microseconds> time);
std::optional<std::chrono::sys_time<Microseconds>> datetime_from_json(const Json& json);

Json date_to_json(std::chrono::year_month_day date);
std::optional<std::chrono::year_month_day> date_from_json(const Json& json);

// A time of day, since midnight.
Json time_to_json(Microseconds time_of_day);
std::optional<Microseconds> time_from_json(const Json& json);

// The decimal digits as Python's Decimal writes them: `1.50`, `-1E+3`, `NaN`.
Json decimal_to_json(std::string_view digits);
std::optional<std::string> decimal_from_json(const Json& json);

// The text with dashes, in lower case. Writing expects 32 hexadecimal digits,
// with or without dashes, and throws EncodeError for another text.
Json uuid_to_json(std::string_view uuid);
std::optional<std::string> uuid_from_json(const Json& json);

// Bytes: as text where they are UTF-8, else in base64.
Json bytes_to_json(std::string_view bytes);
std::optional<std::string> bytes_from_json(const Json& json);

}  // namespace celeriac
