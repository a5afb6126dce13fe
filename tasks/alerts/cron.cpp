#include "tasks/alerts/cron.h"

#include <array>
#include <charconv>
#include <vector>

namespace celeriac::alerts {
namespace {

struct Field {
  std::string_view name;
  int least, most;
  std::string_view names;  // three letters each, the first is `least`
};

constexpr std::array<Field, 5> kFields = {{{"minute", 0, 59, ""},
                                           {"hour", 0, 23, ""},
                                           {"day of month", 1, 31, ""},
                                           {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                                           {"day of week", 0, 7, "sunmontuewedthufrisat"}}};

std::optional<int> parse_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<int> parse_value(const Field& field, std::string_view text) {
  if (text.size() == 3) {
    std::string lower(text);
    for (auto& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const auto at = field.names.find(lower);
    if (at != std::string_view::npos && at % 3 == 0) return field.least + static_cast<int>(at / 3);
  }
  const auto number = parse_number(text);
  if (!number || *number < field.least || *number > field.most) return std::nullopt;
  return number;
}

bool is_item(const Field& field, std::string_view item) {
  const auto slash = item.find('/');
  if (slash != std::string_view::npos) {
    const auto step = parse_number(item.substr(slash + 1));
    if (!step || *step < 1) return false;
    item = item.substr(0, slash);
  }
  if (item == "*") return true;
  const auto dash = item.find('-');
  const auto first = parse_value(field, item.substr(0, dash));
  if (!first || dash == std::string_view::npos) return first.has_value();
  return parse_value(field, item.substr(dash + 1)).has_value();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  while (true) {
    const auto end = text.find(separator, start);
    parts.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

}  // namespace

std::optional<std::string> cron_mistake(std::string_view text) {
  std::vector<std::string_view> words;
  for (const auto word : split(text, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  if (words.size() != kFields.size()) {
    return "it must have five fields, minute, hour, day of month, month and day of week, like "
           "\"*/5 * * * *\"";
  }
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    for (const auto item : split(words[i], ',')) {
      if (is_item(kFields[i], item)) continue;
      return "its " + std::string(kFields[i].name) + " cannot be \"" + std::string(item) +
             "\"; it takes " + std::to_string(kFields[i].least) + " to " +
             std::to_string(kFields[i].most) + ", *, a range like 1-5 and a step like */5";
    }
  }
  return std::nullopt;
}

}  // namespace celeriac::alerts
