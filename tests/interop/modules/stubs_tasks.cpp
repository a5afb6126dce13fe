// Every kind of type and name that `celeriac stubs` has to write.
#include <celeriac/module.h>

#include <numeric>

namespace {

using celeriac::Async;
using celeriac::Context;
using celeriac::Json;
using Time = std::chrono::sys_time<std::chrono::microseconds>;

struct Point {
  int x = 0, y = 0;
};
void from_json(const Json& json, Point& point) {
  point.x = celeriac::from_json_value<int>(json["x"]);
  point.y = celeriac::from_json_value<int>(json["y"]);
}
Json to_json(const Point& point) {
  return Json::object({{"x", point.x}, {"y", point.y}});
}

long add(long x, long y) {
  return x + y;
}
Async<std::string> title(Context&, std::string url, int max_bytes, bool upper,
                         std::optional<std::string> prefix) {
  std::string text = prefix.value_or("") + url.substr(0, static_cast<std::size_t>(max_bytes));
  if (upper) text[0] = static_cast<char>(text[0] - 'a' + 'A');
  co_return text;
}
double mean(std::vector<double> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}
std::map<std::string, std::int64_t> lengths(std::vector<std::string> words) {
  std::map<std::string, std::int64_t> found;
  for (const std::string& word : words) found[word] = static_cast<std::int64_t>(word.size());
  return found;
}
Time later(Time when, std::chrono::seconds by) {
  return when + by;
}
std::optional<std::uint8_t> small(std::int64_t number) {
  if (number < 0 || number > 255) return std::nullopt;
  return static_cast<std::uint8_t>(number);
}
Point mirror(Point point, celeriac::JsonObject) {
  return {point.y, point.x};
}
void nothing() {}

// Each type comes back as it came.
template <class T>
T same(T value) {
  return value;
}
using TimeOfDay = std::chrono::hh_mm_ss<std::chrono::microseconds>;

std::pair<std::string, int> swap(std::pair<int, std::string> pair) {
  return {pair.second, pair.first};
}
std::tuple<celeriac::Bytes, std::optional<celeriac::Decimal>> mixed(
    std::tuple<celeriac::Bytes, std::optional<celeriac::Decimal>> values) {
  return values;
}
std::string kind(std::variant<std::int64_t, std::string, std::vector<double>> value) {
  constexpr const char* kNames[] = {"int", "str", "list"};
  return kNames[value.index()];
}
std::variant<std::monostate, std::chrono::year_month_day, Point> either(std::string wanted) {
  if (wanted == "date") return std::chrono::year_month_day(std::chrono::January / 2 / 2026);
  if (wanted == "point") return Point{1, 2};
  return std::monostate();
}
Async<Json> anything(Context&, Json::Array args, celeriac::JsonObject kwargs) {
  co_return Json::object({{"args", std::move(args)}, {"kwargs", std::move(kwargs)}});
}

}  // namespace

CELERIAC_MODULE(registry) {
  using celeriac::param, celeriac::params;
  registry.add("tasks.add", add, params("x", param("y", 2)),
               {.description = "Adds two numbers.\n\nA \"sum\" of C:\\x and \"\"\"y\"\"\""});
  registry.add(
      "news.title", title,
      params("url", param("max_bytes", 200), param("upper", false), param("prefix", nullptr)));
  registry.add("stats.mean", mean, params("numbers"), {.description = "The arithmetic mean."});
  registry.add("stats.lengths", lengths, params(param("words", std::vector<std::string>{})));
  registry.add("times.later", later, params("when", param("by", 60)));
  registry.add("small", small, params("number"));
  registry.add("shapes.mirror", mirror, params("point", param("extra", celeriac::JsonObject{})));
  registry.add("tasks.nothing", nothing);
  registry.add_any("tasks.anything", anything);

  registry.add("values.same_bytes", same<celeriac::Bytes>, params("value"));
  registry.add("values.same_date", same<std::chrono::year_month_day>, params("value"));
  registry.add("values.same_time", same<TimeOfDay>, params("value"));
  registry.add("values.same_decimal", same<celeriac::Decimal>, params("value"));
  registry.add("values.same_uuid", same<celeriac::Uuid>, params("value"));
  registry.add("values.same_set", same<std::set<std::string>>, params("value"));
  registry.add("values.same_array", same<std::array<double, 2>>, params("value"));
  registry.add("values.same_points", same<std::unordered_map<std::string, std::vector<Point>>>,
               params("value"));
  registry.add("values.swap", swap, params("pair"));
  registry.add("values.mixed", mixed, params("values"));
  registry.add("values.kind", kind, params("value"));
  registry.add("values.either", either, params("wanted"));

  // Names that are none in Python, or are taken there.
  registry.add("my-app.1st", add, params("x", "y"));
  registry.add("tasks.import", add, params("x", "y"));
  registry.add("tasks.add.fast", add, params("x", "y"));
  registry.add("shapes.area", add, params("x", "y"));
  registry.add("rooms.area", add, params("x", "y"));
  registry.add("int", add, params("x", "y"));
  registry.add("celery.Task", add, params("int", "str"));
}
