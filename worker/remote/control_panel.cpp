#include "worker/remote/control_panel.h"

#include <celeriac/error.h>
#include <celeriac/retry.h>

#include <algorithm>
#include <utility>

#include "protocol/message/result.h"
#include "worker/log/log.h"

namespace celeriac::worker {

namespace {

std::string repr(const TaskError& error) {
  protocol::ExceptionInfo info;
  info.type = error.type();
  info.args = error.args();
  return info.repr();
}

// `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`, as Python lists missing parameters.
std::string enumerate(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += names.size() > 2 ? ", " : " ";
    if (i > 0 && i + 1 == names.size()) text += "and ";
    text += "'" + names[i] + "'";
  }
  return text;
}

// Binds as a Python call would; throws Python's TypeError.
void check_arguments(std::string_view method, const ControlCommand& command,
                     const JsonObject& given) {
  std::string call = std::string(method) + "()";
  auto contains = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (command.surplus == ControlCommand::Surplus::refused) {
    for (const auto& [name, value] : given) {
      if (contains(command.required, name) || contains(command.optional, name)) continue;
      throw TaskError("TypeError", call + " got an unexpected keyword argument '" + name + "'");
    }
  }
  std::vector<std::string> missing;
  for (const std::string& name : command.required) {
    if (!given.contains(name)) missing.push_back(name);
  }
  if (missing.empty()) return;
  throw TaskError("TypeError", call + " missing " + std::to_string(missing.size()) +
                                   " required positional argument" +
                                   (missing.size() == 1 ? ": " : "s: ") + enumerate(missing));
}

}  // namespace

const Json& ControlArguments::operator[](std::string_view name) const {
  static const Json null;
  const Json* value = values_.find(name);
  return value ? *value : null;
}

std::string ControlArguments::text(std::string_view name) const {
  const Json& value = (*this)[name];
  if (const std::string* text = value.as_string()) return *text;
  return value.is_null() ? std::string() : python_repr(value);
}

std::optional<double> ControlArguments::number(std::string_view name) const {
  const Json& value = (*this)[name];
  if (value.is_null()) return std::nullopt;
  if (auto number = value.as_double()) return number;
  // The command line sends text.
  const std::string text = this->text(name);
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') {
    throw TaskError("ValueError", "could not convert string to float: '" + text + "'");
  }
  return number;
}

std::optional<int> ControlArguments::integer(std::string_view name) const {
  auto value = number(name);
  if (!value) return std::nullopt;
  if (!(*value >= -1e9 && *value <= 1e9)) {
    throw TaskError("ValueError", std::string(name) + " is out of range: " + text(name));
  }
  return static_cast<int>(*value);
}

std::vector<std::string> ControlArguments::strings(std::string_view name) const {
  const Json& value = (*this)[name];
  std::vector<std::string> items;
  if (const std::string* text = value.as_string()) items.push_back(*text);
  if (const Json::Array* array = value.as_array()) {
    for (const Json& item : *array) {
      items.push_back(item.is_string() ? *item.as_string() : python_repr(item));
    }
  }
  return items;
}

ControlPanel::ControlPanel(ControlState state)
    : state_(std::move(state)), commands_(inspect_commands()) {
  commands_.merge(control_commands());
}

Json ControlPanel::run(const protocol::ControlRequest& request) {
  try {
    auto command = commands_.find(request.method);
    if (command == commands_.end()) throw TaskError("KeyError", request.method);
    check_arguments(request.method, command->second, request.arguments);
    return command->second.handler(state_, ControlArguments(request.arguments));
  } catch (const TaskError& error) {
    log::write(log::Level::error, "kombu.pidbox", "pidbox command error: " + repr(error));
    return Json::object({{"error", repr(error)}});
  } catch (const Error& error) {
    const TaskError as_python("RuntimeError", error.what());
    log::write(log::Level::error, "kombu.pidbox", "pidbox command error: " + repr(as_python));
    return Json::object({{"error", repr(as_python)}});
  }
}

}  // namespace celeriac::worker
