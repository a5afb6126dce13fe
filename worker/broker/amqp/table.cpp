#include "worker/broker/amqp/table.h"

#include <celeriac/error.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>

#include "protocol/message/timestamp.h"

namespace celeriac::worker::amqp {
namespace {

Json typed(std::string_view type, std::string value) {
  return Json::object({{"__type__", Json(type)}, {"__value__", Json(std::move(value))}});
}

Json decode_timestamp(std::uint64_t seconds) {
  // The last second of the year 9999, where Python's datetime ends.
  constexpr std::uint64_t kLastSecond = 253402300799;
  if (seconds > kLastSecond) return Json(seconds);
  const protocol::Timestamp time{std::chrono::seconds(static_cast<std::int64_t>(seconds))};
  return typed("datetime", protocol::to_iso8601(time));
}

// `value` as a signed number with `decimals` digits behind the point.
Json decode_decimal(const amqp_decimal_t& decimal) {
  const auto number = static_cast<std::int64_t>(static_cast<std::int32_t>(decimal.value));
  std::string digits = std::to_string(number < 0 ? -number : number);
  if (decimal.decimals > 0) {
    const std::size_t places = decimal.decimals;
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, 1, '.');
  }
  return typed("decimal", (number < 0 ? "-" : "") + digits);
}

class TableReader {
 public:
  explicit TableReader(TableLimits limits) : limits_(limits) {}

  JsonObject table(const amqp_table_t& table, std::size_t depth) {
    if (!enter(depth)) return {};
    std::vector<JsonObject::Member> members;
    members.reserve(static_cast<std::size_t>(table.num_entries));
    for (int i = 0; i < table.num_entries && !exceeded_; ++i) {
      const amqp_table_entry_t& entry = table.entries[i];
      members.emplace_back(string_view_of(entry.key), value(entry.value, depth));
    }
    return JsonObject::last_of_equal_keys(std::move(members));
  }

  bool exceeded() const { return exceeded_; }

 private:
  bool enter(std::size_t depth) {
    if (depth > limits_.max_depth) exceeded_ = true;
    return !exceeded_;
  }

  Json::Array array(const amqp_array_t& array, std::size_t depth) {
    Json::Array items;
    if (!enter(depth)) return items;
    for (int i = 0; i < array.num_entries && !exceeded_; ++i) {
      items.push_back(value(array.entries[i], depth));
    }
    return items;
  }

  Json value(const amqp_field_value_t& field, std::size_t depth) {
    if (++values_ > limits_.max_values) exceeded_ = true;
    if (exceeded_) return {};
    const auto& data = field.value;
    switch (static_cast<amqp_field_value_kind_t>(field.kind)) {
      case AMQP_FIELD_KIND_BOOLEAN:
        return Json(data.boolean != 0);
      case AMQP_FIELD_KIND_I8:
        return Json(data.i8);
      case AMQP_FIELD_KIND_U8:
        return Json(data.u8);
      case AMQP_FIELD_KIND_I16:
        return Json(data.i16);
      case AMQP_FIELD_KIND_U16:
        return Json(data.u16);
      case AMQP_FIELD_KIND_I32:
        return Json(data.i32);
      case AMQP_FIELD_KIND_U32:
        return Json(data.u32);
      case AMQP_FIELD_KIND_I64:
      case AMQP_FIELD_KIND_U64:
        return Json(data.i64);
      case AMQP_FIELD_KIND_F32:
        return Json(static_cast<double>(data.f32));
      case AMQP_FIELD_KIND_F64:
        return Json(data.f64);
      case AMQP_FIELD_KIND_DECIMAL:
        return decode_decimal(data.decimal);
      case AMQP_FIELD_KIND_UTF8:
      case AMQP_FIELD_KIND_BYTES:
        return Json(string_of(data.bytes));
      case AMQP_FIELD_KIND_ARRAY:
        return Json(array(data.array, depth + 1));
      case AMQP_FIELD_KIND_TABLE:
        return Json(table(data.table, depth + 1));
      case AMQP_FIELD_KIND_TIMESTAMP:
        return decode_timestamp(data.u64);
      case AMQP_FIELD_KIND_VOID:
        return {};
    }
    // rabbitmq-c refuses other kinds before we see them.
    return {};
  }

  TableLimits limits_;
  std::size_t values_ = 0;
  bool exceeded_ = false;
};

amqp_field_value_t field(amqp_field_value_kind_t kind) {
  amqp_field_value_t value{};
  value.kind = static_cast<std::uint8_t>(kind);
  return value;
}

// `-12.50` as a number of hundredths; empty when it does not fit the AMQP type.
std::optional<amqp_decimal_t> parse_decimal(std::string_view text) {
  std::string digits;
  std::size_t decimals = 0;
  bool point = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      digits += c;
      if (point) ++decimals;
    } else if (i == 0 && c == '-') {
      digits += c;
    } else {
      return std::nullopt;
    }
  }
  std::int32_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || rest != end || decimals > 255) return std::nullopt;
  return amqp_decimal_t{static_cast<std::uint8_t>(decimals), static_cast<std::uint32_t>(number)};
}

}  // namespace

std::optional<JsonObject> decode_table(const amqp_table_t& table, TableLimits limits) {
  TableReader reader(limits);
  JsonObject object = reader.table(table, 1);
  if (reader.exceeded()) return std::nullopt;
  return object;
}

TableView::TableView(const JsonObject& object, TableLimits limits) : limits_(limits) {
  table_ = make_table(object, 1);
}

amqp_table_t TableView::make_table(const JsonObject& object, std::size_t depth) {
  if (depth > limits_.max_depth) {
    throw Error("an AMQP table is nested deeper than " + std::to_string(limits_.max_depth) +
                " levels; pass such data in the task's arguments");
  }
  std::vector<amqp_table_entry_t>& entries = tables_.emplace_back();
  entries.reserve(object.size());
  encoded_size_ += 4;
  for (const auto& [key, value] : object) {
    if (key.size() > std::numeric_limits<std::uint8_t>::max()) {
      throw Error("the AMQP header name " + key.substr(0, 40) +
                  "… is longer than the 255 bytes that AMQP allows");
    }
    encoded_size_ += 1 + key.size();
    entries.push_back({bytes_view(key), make_value(value, depth)});
  }
  return {static_cast<int>(entries.size()), entries.data()};
}

amqp_array_t TableView::make_array(const Json::Array& array, std::size_t depth) {
  if (depth > limits_.max_depth) {
    throw Error("an AMQP array is nested deeper than " + std::to_string(limits_.max_depth) +
                " levels; pass such data in the task's arguments");
  }
  std::vector<amqp_field_value_t>& entries = arrays_.emplace_back();
  entries.reserve(array.size());
  encoded_size_ += 4;
  for (const Json& item : array) entries.push_back(make_value(item, depth));
  return {static_cast<int>(entries.size()), entries.data()};
}

std::optional<amqp_field_value_t> TableView::make_typed_value(const JsonObject& object) {
  if (object.size() != 2) return std::nullopt;
  const Json* type = object.find("__type__");
  const Json* text = object.find("__value__");
  if (!type || !text || !type->is_string() || !text->is_string()) return std::nullopt;

  if (*type->as_string() == "datetime") {
    const auto time = protocol::parse_iso8601(*text->as_string());
    if (!time || time->time_since_epoch().count() < 0) return std::nullopt;
    amqp_field_value_t value = field(AMQP_FIELD_KIND_TIMESTAMP);
    value.value.u64 = static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count());
    encoded_size_ += 8;
    return value;
  }
  if (*type->as_string() == "decimal") {
    const auto decimal = parse_decimal(*text->as_string());
    if (!decimal) return std::nullopt;
    amqp_field_value_t value = field(AMQP_FIELD_KIND_DECIMAL);
    value.value.decimal = *decimal;
    encoded_size_ += 5;
    return value;
  }
  return std::nullopt;
}

amqp_field_value_t TableView::make_value(const Json& json, std::size_t depth) {
  encoded_size_ += 1;
  switch (json.kind()) {
    case Json::Kind::null:
      return field(AMQP_FIELD_KIND_VOID);
    case Json::Kind::boolean: {
      amqp_field_value_t value = field(AMQP_FIELD_KIND_BOOLEAN);
      value.value.boolean = *json.as_bool();
      encoded_size_ += 1;
      return value;
    }
    case Json::Kind::integer: {
      const std::int64_t number = *json.as_int();
      constexpr std::int64_t kWidest = std::numeric_limits<std::int32_t>::max();
      if (number > kWidest || number < -kWidest) {
        amqp_field_value_t value = field(AMQP_FIELD_KIND_U64);  // the letter L
        value.value.i64 = number;
        encoded_size_ += 8;
        return value;
      }
      amqp_field_value_t value = field(AMQP_FIELD_KIND_I32);
      value.value.i32 = static_cast<std::int32_t>(number);
      encoded_size_ += 4;
      return value;
    }
    case Json::Kind::real: {
      amqp_field_value_t value = field(AMQP_FIELD_KIND_F64);
      value.value.f64 = *json.as_double();
      encoded_size_ += 8;
      return value;
    }
    case Json::Kind::big_integer:
    case Json::Kind::string: {
      amqp_field_value_t value = field(AMQP_FIELD_KIND_UTF8);
      const std::string& text = json.as_string()
                                    ? *json.as_string()
                                    : strings_.emplace_back(json.as_big_integer()->digits);
      value.value.bytes = bytes_view(text);
      encoded_size_ += 4 + text.size();
      return value;
    }
    case Json::Kind::array: {
      amqp_field_value_t value = field(AMQP_FIELD_KIND_ARRAY);
      value.value.array = make_array(*json.as_array(), depth + 1);
      return value;
    }
    case Json::Kind::object: {
      if (auto typed_value = make_typed_value(*json.as_object())) return *typed_value;
      amqp_field_value_t value = field(AMQP_FIELD_KIND_TABLE);
      value.value.table = make_table(*json.as_object(), depth + 1);
      return value;
    }
  }
  return field(AMQP_FIELD_KIND_VOID);
}

}  // namespace celeriac::worker::amqp
