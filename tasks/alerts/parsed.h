// What reading a piece of text gives: the value, or what is wrong with the text. Whoever
// knows the place in the file adds it.
#pragma once

#include <string>
#include <variant>

namespace celeriac::alerts {

struct Mistake {
  std::string text;
};

template <class T>
using Parsed = std::variant<T, Mistake>;

}  // namespace celeriac::alerts
