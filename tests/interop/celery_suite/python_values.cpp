#include "python_values.h"

#include <celeriac/retry.h>

#include <string_view>

namespace celery_suite {

using celeriac::Json;
using celeriac::TaskError;

namespace {

[[noreturn]] void unsupported(std::string_view operation) {
  throw TaskError("TypeError", "unsupported operand type(s) for " + std::string(operation));
}

template <class Operation>
Json calculate(const Json& x, const Json& y, std::string_view name, Operation operation) {
  if (!x.is_number() || !y.is_number()) unsupported(name);
  if (auto a = x.as_int(), b = y.as_int(); a && b) return operation(*a, *b);
  return operation(x.as_double().value(), y.as_double().value());
}

}  // namespace

Json plus(const Json& x, const Json& y) {
  if (x.is_string() && y.is_string()) return *x.as_string() + *y.as_string();
  if (x.is_array() && y.is_array()) {
    Json::Array joined = *x.as_array();
    joined.insert(joined.end(), y.as_array()->begin(), y.as_array()->end());
    return joined;
  }
  return calculate(x, y, "+", [](auto a, auto b) { return Json(a + b); });
}

Json times(const Json& x, const Json& y) {
  return calculate(x, y, "*", [](auto a, auto b) { return Json(a * b); });
}

Json sum(const Json& numbers) {
  const Json::Array* items = numbers.as_array();
  if (!items) throw TaskError("TypeError", "object is not iterable");
  Json total = 0;
  for (const Json& item : *items) total = plus(total, item);
  return total;
}

}  // namespace celery_suite
