#include <celeriac/error.h>
#include <celeriac/json.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "protocol/json/utf8.h"

namespace celeriac {

JsonObject::JsonObject() = default;
JsonObject::JsonObject(std::initializer_list<Member> members) : members_(members) {}
JsonObject::JsonObject(const JsonObject&) = default;
JsonObject::JsonObject(JsonObject&&) noexcept = default;
JsonObject& JsonObject::operator=(const JsonObject&) = default;
JsonObject& JsonObject::operator=(JsonObject&&) noexcept = default;
JsonObject::~JsonObject() = default;

namespace {

// Objects of few members are searched for equal keys as they are, large ones
// through an index, so that hostile input costs no quadratic time.
constexpr std::size_t kIndexedObjectSize = 32;

bool has_equal_keys(const std::vector<JsonObject::Member>& members) {
  if (members.size() <= kIndexedObjectSize) {
    for (std::size_t i = 1; i < members.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) {
        if (members[i].first == members[k].first) return true;
      }
    }
    return false;
  }
  std::unordered_set<std::string_view> keys;
  for (const auto& member : members) {
    if (!keys.insert(member.first).second) return true;
  }
  return false;
}

}  // namespace

JsonObject JsonObject::last_of_equal_keys(std::vector<Member> members) {
  JsonObject object;
  if (!has_equal_keys(members)) {
    object.members_ = std::move(members);
    return object;
  }
  std::unordered_map<std::string, std::size_t> places;
  for (Member& member : members) {
    const auto [place, is_new] = places.emplace(member.first, object.members_.size());
    if (is_new) {
      object.members_.push_back(std::move(member));
    } else {
      object.members_[place->second].second = std::move(member.second);
    }
  }
  return object;
}

const Json* JsonObject::find(std::string_view key) const {
  for (const Member& member : members_) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Json* JsonObject::find(std::string_view key) {
  return const_cast<Json*>(std::as_const(*this).find(key));
}

Json& JsonObject::operator[](std::string_view key) {
  if (Json* found = find(key)) return *found;
  return members_.emplace_back(std::string(key), Json()).second;
}

void JsonObject::set(std::string_view key, Json value) {
  (*this)[key] = std::move(value);
}

bool JsonObject::erase(std::string_view key) {
  return std::erase_if(members_, [&](const Member& member) { return member.first == key; }) != 0;
}

bool JsonObject::operator==(const JsonObject& other) const {
  if (size() != other.size()) return false;
  return std::all_of(begin(), end(), [&](const Member& member) {
    const Json* theirs = other.find(member.first);
    return theirs != nullptr && *theirs == member.second;
  });
}

std::optional<bool> Json::as_bool() const {
  const bool* value = std::get_if<bool>(&value_);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Json::as_int() const {
  const auto* value = std::get_if<std::int64_t>(&value_);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<double> Json::as_double() const {
  if (const auto* real = std::get_if<double>(&value_)) return *real;
  if (const auto* integer = std::get_if<std::int64_t>(&value_)) {
    return static_cast<double>(*integer);
  }
  if (const BigInteger* big = as_big_integer()) {
    double value = 0;
    const char* end = big->digits.data() + big->digits.size();
    if (std::from_chars(big->digits.data(), end, value).ec == std::errc()) return value;
    const double infinity = std::numeric_limits<double>::infinity();
    return big->digits.front() == '-' ? -infinity : infinity;
  }
  return std::nullopt;
}

std::string Json::string_or(std::string_view fallback) const {
  const std::string* text = as_string();
  return text != nullptr ? *text : std::string(fallback);
}

const Json* Json::find(std::string_view key) const {
  const Object* object = as_object();
  return object != nullptr ? object->find(key) : nullptr;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json null;
  const Json* found = find(key);
  return found != nullptr ? *found : null;
}

bool Json::truthy() const {
  switch (kind()) {
    case Kind::null:
      return false;
    case Kind::boolean:
      return *as_bool();
    case Kind::integer:
      return *as_int() != 0;
    case Kind::big_integer:
      return true;
    case Kind::real:
      return *as_double() != 0;
    case Kind::string:
      return !as_string()->empty();
    case Kind::array:
      return !as_array()->empty();
    case Kind::object:
      return !as_object()->empty();
  }
  return false;
}

namespace {

// What a decimal number that does not fit a double reads as: infinity if it is
// too large, zero if it is too small.
double saturated(std::string_view text) {
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t mark = text.find_first_of("eE");
  const std::string_view mantissa = text.substr(0, mark);
  std::int64_t exponent = 0;
  bool exponent_fits = true;
  if (mark != std::string_view::npos) {
    std::string_view digits = text.substr(mark + 1);
    if (digits.front() == '+') digits.remove_prefix(1);
    exponent_fits =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec == std::errc();
    if (!exponent_fits) exponent = digits.front() == '-' ? -1 : 1;
  }
  // The power of ten of the first digit that counts.
  if (exponent_fits) {
    const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
    const std::size_t first = mantissa.find_first_of("123456789");
    exponent += static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  }
  const double magnitude = exponent > 0 ? std::numeric_limits<double>::infinity() : 0.0;
  return negative ? -magnitude : magnitude;
}

// The value of a JSON number, or of Python's NaN and Infinity.
Json read_number(std::string_view text) {
  const bool negative = text.front() == '-';
  const char first = text[negative ? 1 : 0];
  if (first == 'N') return Json(std::numeric_limits<double>::quiet_NaN());
  if (first == 'I') {
    const double infinity = std::numeric_limits<double>::infinity();
    return Json(negative ? -infinity : infinity);
  }
  const char* end = text.data() + text.size();
  if (text.find_first_of(".eE") == std::string_view::npos) {
    std::int64_t integer = 0;
    if (std::from_chars(text.data(), end, integer).ec == std::errc()) return Json(integer);
    return Json(BigInteger{std::string(text)});
  }
  double real = 0;
  if (std::from_chars(text.data(), end, real).ec != std::errc()) real = saturated(text);
  return Json(real);
}

// Builds the document from RapidJSON's events. Finished values wait on a stack
// until their container ends and takes them over at its exact size.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  explicit Builder(std::size_t max_depth) : max_depth_(max_depth) {
    values_.reserve(16);
    keys_.reserve(16);
  }

  // NOLINTBEGIN(readability-identifier-naming): RapidJSON calls these.
  bool Null() { return push(Json()); }
  bool Bool(bool value) { return push(Json(value)); }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    return push(read_number(std::string_view(text, length)));
  }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    return push(Json(std::string(text, length)));
  }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    keys_.emplace_back(text, length);
    return true;
  }
  bool StartObject() { return enter(); }
  bool StartArray() { return enter(); }

  bool EndArray(rapidjson::SizeType count) {
    --depth_;
    const auto first = values_.end() - static_cast<std::ptrdiff_t>(count);
    Json::Array items(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
    values_.erase(first, values_.end());
    return push(Json(std::move(items)));
  }

  bool EndObject(rapidjson::SizeType count) {
    --depth_;
    const std::size_t first_value = values_.size() - count;
    const std::size_t first_key = keys_.size() - count;
    std::vector<JsonObject::Member> members;
    members.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      members.emplace_back(std::move(keys_[first_key + i]), std::move(values_[first_value + i]));
    }
    values_.resize(first_value);
    keys_.resize(first_key);
    return push(Json(JsonObject::last_of_equal_keys(std::move(members))));
  }
  // NOLINTEND(readability-identifier-naming)

  Json take() { return std::move(values_.back()); }
  const std::string& refusal() const { return refusal_; }

 private:
  bool push(Json value) {
    values_.push_back(std::move(value));
    return true;
  }
  bool enter() {
    if (++depth_ <= max_depth_) return true;
    return refuse("arrays and objects nested deeper than " + std::to_string(max_depth_));
  }
  bool refuse(std::string why) {
    refusal_ = std::move(why);
    return false;
  }

  std::size_t max_depth_;
  std::size_t depth_ = 0;
  std::vector<Json> values_;
  std::vector<std::string> keys_;
  std::string refusal_;
};

[[noreturn]] void throw_not_json(std::size_t offset, const std::string& why) {
  throw MessageError(MessageError::Kind::undecodable,
                     "not JSON, at byte " + std::to_string(offset) + ": " + why);
}

}  // namespace

Json parse_json(std::string_view text, JsonLimits limits) {
  if (const auto invalid = protocol::find_invalid_utf8(text)) {
    throw_not_json(*invalid, "invalid UTF-8");
  }
  // Iterative, so that depth costs heap and not stack; numbers as text, so that
  // integers of any size survive.
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag |
                              rapidjson::kParseNumbersAsStringsFlag |
                              rapidjson::kParseNanAndInfFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  Builder builder(limits.max_depth);
  rapidjson::Reader reader;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
  if (!builder.refusal().empty()) throw_not_json(result.Offset(), builder.refusal());
  if (!result) throw_not_json(result.Offset(), rapidjson::GetParseError_En(result.Code()));
  // RapidJSON takes a zero byte for the end of the text.
  if (stream.Tell() != text.size()) throw_not_json(stream.Tell(), "text after the document");
  return builder.take();
}

}  // namespace celeriac
