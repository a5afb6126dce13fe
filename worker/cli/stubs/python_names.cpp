#include "worker/cli/stubs/python_names.h"

#include <celeriac/error.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

namespace celeriac::worker {
namespace {

using Path = std::vector<std::string>;

constexpr auto kKeywords = std::to_array<std::string_view>(
    {"False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
     "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
     "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
     "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield"});

// What a module uses at its top: builtins, imports and definitions of python_module.cpp.
constexpr auto kModuleNames = std::to_array<std::string_view>(
    {"Any",          "Callable",  "Generic",   "NotRequired", "Options",
     "RuntimeError", "Result",    "Signature", "T",           "Task",
     "TypeError",    "TypedDict", "TypeVar",   "Unpack",      "TYPE_CHECKING",
     "bind",         "bool",      "bytes",     "cast",        "celery",
     "datetime",     "dict",      "float",     "frozenset",   "int",
     "list",         "overload",  "str",       "tuple",       "annotations",
     "Sequence",     "decimal",   "uuid"});

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, word) != words.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_identifier_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

std::string identifier(std::string_view part) {
  std::string name;
  for (char c : part) name += is_identifier_character(c) ? c : '_';
  if (name.empty() || is_digit(name.front())) name.insert(0, "_");
  // Two in front would be made private to the class around it.
  while (name.starts_with("__")) name.erase(0, 1);
  if (is_one_of(name, kKeywords)) name += '_';
  return name;
}

Path identifiers(std::string_view task) {
  Path path;
  for (std::size_t begin = 0; begin <= task.size();) {
    const std::size_t end = std::min(task.find('.', begin), task.size());
    path.push_back(identifier(task.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (is_one_of(path.front(), kModuleNames)) path.front() += '_';
  return path;
}

void require_python_parameters(const TaskDefinition& task) {
  for (const Parameter& parameter : task.parameters) {
    const std::string& name = parameter.name;
    if (identifier(name) == name && name != "self") continue;
    throw ConfigError("task '" + task.name + "': Python cannot name a parameter '" + name +
                      "'; give it another name in params(...), such as '" + identifier(name) +
                      (name == "self" ? "_" : "") + "'");
  }
}

std::string dotted(const Path& path) {
  std::string text;
  for (const std::string& part : path) text += (text.empty() ? "" : ".") + part;
  return text;
}

// Tasks by their path; whoever comes deeper makes room for those above.
class Places {
 public:
  void add(PlacedTask& placed) {
    Path& path = placed.path;
    for (std::size_t depth = 1; depth < path.size(); ++depth) {
      while (tasks_.contains(Path(path.begin(), path.begin() + static_cast<long>(depth)))) {
        path[depth - 1] += '_';
      }
    }
    const auto [place, added] = tasks_.try_emplace(path, placed.task);
    if (!added) {
      throw ConfigError("tasks '" + place->second->name + "' and '" + placed.task->name +
                        "' would both be " + dotted(path) +
                        " in Python; register one of them under another name");
    }
  }

 private:
  std::map<Path, const TaskDefinition*> tasks_;
};

void name_classes(std::vector<PlacedTask>& placed, std::set<std::string>& taken) {
  for (PlacedTask& one : placed) {
    for (const std::string& part : one.path) one.class_name += "_" + part;
    while (!taken.insert(one.class_name).second) one.class_name += '_';
  }
}

void find_short_names(std::vector<PlacedTask>& placed, const std::set<std::string>& taken) {
  std::map<std::string, int> uses;
  for (const PlacedTask& one : placed) ++uses[one.path.back()];
  for (PlacedTask& one : placed) {
    const std::string& last = one.path.back();
    one.has_short_name = uses[last] == 1 && !taken.contains(last) && !is_one_of(last, kModuleNames);
  }
}

}  // namespace

std::vector<PlacedTask> place_in_python(const std::vector<const TaskDefinition*>& tasks) {
  std::vector<PlacedTask> placed;
  for (const TaskDefinition* task : tasks) {
    require_python_parameters(*task);
    placed.push_back({task, identifiers(task->name), {}});
  }
  std::vector<PlacedTask*> by_depth;
  for (PlacedTask& one : placed) by_depth.push_back(&one);
  std::ranges::stable_sort(by_depth, {}, [](const PlacedTask* one) { return one->path.size(); });
  Places places;
  for (PlacedTask* one : by_depth) places.add(*one);

  std::set<std::string> taken;
  for (const PlacedTask& one : placed) taken.insert(one.path.front());
  name_classes(placed, taken);
  find_short_names(placed, taken);
  return placed;
}

}  // namespace celeriac::worker
