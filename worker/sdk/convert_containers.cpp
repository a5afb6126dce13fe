#include <celeriac/convert.h>

#include <algorithm>

namespace celeriac::detail {

const Json::Array& read_list(const Json& json, const Place& place) {
  const Json::Array* items = json.as_array();
  if (!items) place.wrong_type("list", json);
  return *items;
}

const Json::Array& read_list(const Json& json, const Place& place, std::size_t size) {
  const Json::Array& items = read_list(json, place);
  if (items.size() != size) {
    place.refuse(" has " + std::to_string(items.size()) + " items; it must have " +
                 std::to_string(size));
  }
  return items;
}

const JsonObject& read_members(const Json& json, const Place& place) {
  const JsonObject* members = json.as_object();
  if (!members) place.wrong_type("dict", json);
  return *members;
}

std::string any_of(std::initializer_list<std::string> annotations) {
  std::vector<std::string> each;
  for (const std::string& annotation : annotations) {
    if (std::ranges::find(each, annotation) == each.end()) each.push_back(annotation);
  }
  std::string text;
  for (const std::string& annotation : each) text += (text.empty() ? "" : " | ") + annotation;
  return text.empty() ? "Any" : text;
}

}  // namespace celeriac::detail
