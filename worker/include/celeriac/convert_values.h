// The values that kombu types in JSON, beside the time points of convert.h: bytes, dates, times of
// day, decimals and UUIDs. Included by <celeriac/convert.h>.
#pragma once

#include <celeriac/convert.h>
#include <celeriac/typed_json.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace celeriac {

// Python's bytes.
using Bytes = std::vector<std::byte>;

// Python's decimal.Decimal: its digits as Python writes them, `1.50`, `-1E+3`, `NaN`.
struct Decimal {
  std::string digits;
  bool operator==(const Decimal&) const = default;
};

// Python's uuid.UUID: 32 hexadecimal digits with dashes, in lower case.
struct Uuid {
  std::string text;
  bool operator==(const Uuid&) const = default;
};

namespace detail {
Bytes read_bytes(const Json& json, const Place& place);
Json write_bytes(const Bytes& bytes);
Json bytes_schema();
std::chrono::year_month_day read_date(const Json& json, const Place& place);
std::chrono::microseconds read_time(const Json& json, const Place& place);
Decimal read_decimal(const Json& json, const Place& place);
Json decimal_schema();
Uuid read_uuid(const Json& json, const Place& place);
Json uuid_schema();
}  // namespace detail

template <>
struct JsonType<Bytes> {
  static Bytes read(const Json& json, const Place& place) {
    return detail::read_bytes(json, place);
  }
  static Json write(const Bytes& bytes) { return detail::write_bytes(bytes); }
  static std::string annotation() { return "bytes"; }
  static Json schema() { return detail::bytes_schema(); }
};

template <>
struct JsonType<std::chrono::year_month_day> {
  static std::chrono::year_month_day read(const Json& json, const Place& place) {
    return detail::read_date(json, place);
  }
  static Json write(std::chrono::year_month_day date) { return date_to_json(date); }
  static std::string annotation() { return "datetime.date"; }
  static Json schema() { return detail::text_schema("date", "date"); }
};

// A time of day, to the microsecond.
template <class Duration>
struct JsonType<std::chrono::hh_mm_ss<Duration>> {
  using Time = std::chrono::hh_mm_ss<Duration>;
  static Time read(const Json& json, const Place& place) {
    return Time(std::chrono::duration_cast<Duration>(detail::read_time(json, place)));
  }
  static Json write(const Time& time) {
    return time_to_json(std::chrono::duration_cast<std::chrono::microseconds>(time.to_duration()));
  }
  static std::string annotation() { return "datetime.time"; }
  static Json schema() { return detail::text_schema("time", "time"); }
};

template <>
struct JsonType<Decimal> {
  static Decimal read(const Json& json, const Place& place) {
    return detail::read_decimal(json, place);
  }
  static Json write(const Decimal& decimal) { return decimal_to_json(decimal.digits); }
  static std::string annotation() { return "decimal.Decimal"; }
  static Json schema() { return detail::decimal_schema(); }
};

template <>
struct JsonType<Uuid> {
  static Uuid read(const Json& json, const Place& place) { return detail::read_uuid(json, place); }
  static Json write(const Uuid& uuid) { return uuid_to_json(uuid.text); }
  static std::string annotation() { return "uuid.UUID"; }
  static Json schema() { return detail::uuid_schema(); }
};

}  // namespace celeriac
