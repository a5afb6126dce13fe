#include <celeriac/registry.h>

namespace celeriac {
namespace detail {
namespace {

std::string in_quotes(std::string_view name) {
  return "'" + std::string(name) + "'";
}

// 'a' · 'a' and 'b' · 'a', 'b', and 'c'
std::string enumerate(const std::vector<std::string_view>& names) {
  std::string text = in_quotes(names.front());
  for (std::size_t i = 1; i < names.size(); ++i) {
    const bool last = i + 1 == names.size();
    if (last && names.size() == 2) {
      text += " and ";
    } else {
      text += last ? ", and " : ", ";
    }
    text += in_quotes(names[i]);
  }
  return text;
}

[[noreturn]] void too_many(std::string_view function, std::span<const ParamSpec> parameters,
                           std::size_t given) {
  const std::size_t most = parameters.size();
  const auto required = static_cast<std::size_t>(std::ranges::count_if(
      parameters, [](const ParamSpec& parameter) { return !parameter.fallback; }));
  std::string takes = std::to_string(most);
  if (required != most) takes = "from " + std::to_string(required) + " to " + takes;
  const bool plural = most != 1 || required != most;
  throw ArgumentError(std::string(function) + "() takes " + takes + " positional argument" +
                      (plural ? "s" : "") + " but " + std::to_string(given) +
                      (given == 1 ? " was given" : " were given"));
}

[[noreturn]] void missing_arguments(std::string_view function,
                                    const std::vector<std::string_view>& names) {
  throw ArgumentError(std::string(function) + "() missing " + std::to_string(names.size()) +
                      " required positional argument" + (names.size() == 1 ? "" : "s") + ": " +
                      enumerate(names));
}

}  // namespace

std::string function_name(std::string_view task) {
  return std::string(task.substr(task.rfind('.') + 1));
}

// The order of complaints is CPython's: keywords, then surplus, then missing.
void bind_arguments(std::string_view function, std::span<const ParamSpec> parameters,
                    Json::Array& args, JsonObject& kwargs, std::span<Json> bound) {
  const std::size_t positional = std::min(args.size(), parameters.size());
  std::vector<bool> given(kwargs.empty() ? 0 : parameters.size());
  for (auto& [name, value] : kwargs) {
    const auto parameter = std::ranges::find(parameters, name, &ParamSpec::name);
    const auto index = static_cast<std::size_t>(parameter - parameters.begin());
    if (parameter == parameters.end()) {
      throw ArgumentError(std::string(function) + "() got an unexpected keyword argument " +
                          in_quotes(name));
    }
    if (index < positional) {
      throw ArgumentError(std::string(function) + "() got multiple values for argument " +
                          in_quotes(name));
    }
    bound[index] = std::move(value);
    given[index] = true;
  }
  if (args.size() > parameters.size()) too_many(function, parameters, args.size());

  for (std::size_t i = 0; i < positional; ++i) bound[i] = std::move(args[i]);
  std::vector<std::string_view> missing;
  for (std::size_t i = positional; i < parameters.size(); ++i) {
    if (!given.empty() && given[i]) continue;
    if (parameters[i].fallback) {
      bound[i] = *parameters[i].fallback;
    } else {
      missing.push_back(parameters[i].name);
    }
  }
  if (!missing.empty()) missing_arguments(function, missing);
}

}  // namespace detail

namespace {

void require_sound(const TaskDefinition& definition) {
  const std::string who = "task '" + definition.name + "'";
  if (definition.name.empty()) throw ConfigError("a task was registered without a name");
  const TaskOptions& options = definition.options;
  if (options.soft_time_limit && options.time_limit &&
      *options.soft_time_limit > *options.time_limit) {
    throw ConfigError(who + ": soft_time_limit must not be longer than time_limit");
  }
  bool fallback_seen = false;
  for (const Parameter& parameter : definition.parameters) {
    if (fallback_seen && !parameter.fallback) {
      throw ConfigError(who + ": parameter '" + parameter.name +
                        "' without a default follows one that has a default");
    }
    fallback_seen = parameter.fallback.has_value();
    const auto same = std::ranges::count(definition.parameters, parameter.name, &Parameter::name);
    if (same > 1) throw ConfigError(who + ": two parameters are named '" + parameter.name + "'");
  }
}

}  // namespace

void Registry::add(TaskDefinition definition) {
  require_sound(definition);
  std::string name = definition.name;
  const auto [place, added] = tasks_.try_emplace(std::move(name), std::move(definition));
  if (!added) {
    throw ConfigError("task '" + place->first + "' is registered twice; give one another name");
  }
}

void Registry::add_any(std::string name, TaskDefinition::Coroutine body, TaskOptions options) {
  TaskDefinition definition;
  definition.name = std::move(name);
  definition.options = std::move(options);
  definition.body = std::move(body);
  definition.takes_any_arguments = true;
  definition.returns = "Any";
  add(std::move(definition));
}

void Registry::add_errback(std::string name, Errback errback) {
  const auto [place, added] = errbacks_.try_emplace(std::move(name), std::move(errback));
  if (!added) {
    throw ConfigError("errback '" + place->first + "' is registered twice; give one another name");
  }
}

const TaskDefinition* Registry::find(std::string_view name) const {
  const auto place = tasks_.find(name);
  return place == tasks_.end() ? nullptr : &place->second;
}

const Errback* Registry::find_errback(std::string_view name) const {
  const auto place = errbacks_.find(name);
  return place == errbacks_.end() ? nullptr : &place->second;
}

std::vector<const TaskDefinition*> Registry::tasks() const {
  std::vector<const TaskDefinition*> tasks;
  tasks.reserve(tasks_.size());
  for (const auto& [name, definition] : tasks_) tasks.push_back(&definition);
  return tasks;
}

}  // namespace celeriac
