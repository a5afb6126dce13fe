#include <celeriac/error.h>
#include <celeriac/signature.h>

#include <algorithm>
#include <utility>

namespace celeriac {
namespace {

[[noreturn]] void throw_no_signature(const std::string& why) {
  throw MessageError(MessageError::Kind::invalid, "not a signature: " + why);
}

bool is_extra(std::string_view name) {
  constexpr std::string_view kKnown[] = {"task",    "args",         "kwargs",
                                         "options", "subtask_type", "immutable"};
  return std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown);
}

JsonObject read_object(const Json& json, std::string_view name) {
  const Json& value = json[name];
  if (value.is_null()) return {};
  if (!value.is_object()) throw_no_signature("'" + std::string(name) + "' must be an object");
  return *value.as_object();
}

Json::Array to_json_array(const std::vector<Signature>& signatures) {
  Json::Array items;
  for (const Signature& signature : signatures) items.push_back(signature.to_json());
  return items;
}

// An option that holds a list, or a single value that stands for one.
void append_to_list_option(JsonObject& options, std::string_view name, Json item) {
  Json& value = options[name];
  if (value.is_null()) value = Json::array();
  if (!value.is_array()) value = Json::array({value});
  Json::Array& list = *value.as_array();
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
}

// Applies a change to a signature that is a member in JSON form.
template <class Change>
void change_member(Json& member, Change change) {
  Signature signature = Signature::from_json(member);
  change(signature);
  member = signature.to_json();
}

// The tasks of a group, or the header of a chord: a list, or a group.
Json::Array* members_of(Json* tasks) {
  if (tasks == nullptr) return nullptr;
  if (JsonObject* group = tasks->as_object()) {
    Json* kwargs = group->find("kwargs");
    return kwargs != nullptr && kwargs->is_object() ? members_of(kwargs->as_object()->find("tasks"))
                                                    : nullptr;
  }
  return tasks->as_array();
}

}  // namespace

Signature::Signature(std::string task, Json::Array args, JsonObject kwargs)
    : task_(std::move(task)), args_(std::move(args)), kwargs_(std::move(kwargs)) {}

Signature Signature::from_json(const Json& json) {
  if (!json.is_object()) throw_no_signature(python_repr(json, 128) + " is not an object");
  const std::string* task = json["task"].as_string();
  if (task == nullptr) throw_no_signature("'task' must be a text");
  Signature signature(*task);
  const Json& args = json["args"];
  if (!args.is_null() && !args.is_array()) throw_no_signature("'args' must be an array");
  if (args.is_array()) signature.args_ = *args.as_array();
  signature.kwargs_ = read_object(json, "kwargs");
  signature.options_ = read_object(json, "options");
  const Json& type = json["subtask_type"];
  if (!type.is_null() && !type.is_string()) throw_no_signature("'subtask_type' must be a text");
  signature.subtask_type_ = type.string_or("");
  signature.immutable_ = json["immutable"].truthy();
  for (const auto& [name, value] : *json.as_object()) {
    if (is_extra(name)) signature.extra_.set(name, value);
  }
  return signature;
}

Json Signature::to_json() const {
  JsonObject json{{"task", task_},
                  {"args", args_},
                  {"kwargs", kwargs_},
                  {"options", options_},
                  {"subtask_type", subtask_type_.empty() ? Json() : Json(subtask_type_)},
                  {"immutable", immutable_}};
  for (const auto& [name, value] : extra_) json.set(name, value);
  return json;
}

Signature& Signature::set(std::string_view option, Json value) {
  options_.set(option, std::move(value));
  return *this;
}

Signature& Signature::set_immutable(bool immutable) {
  const char* members = subtask_type_ == "group" ? "tasks" : "header";
  if (subtask_type_ != "group" && subtask_type_ != "chord") {
    immutable_ = immutable;
  } else if (Json::Array* tasks = members_of(kwargs_.find(members))) {
    for (Json& task : *tasks) {
      change_member(task, [&](Signature& member) { member.set_immutable(immutable); });
    }
  }
  return *this;
}

Signature& Signature::link(const Signature& callback) {
  if (subtask_type_ == "chord") {
    if (Json* body = kwargs_.find("body")) {
      change_member(*body, [&](Signature& member) { member.link(callback); });
    }
  } else if (subtask_type_ == "group") {
    Json::Array* tasks = members_of(kwargs_.find("tasks"));
    if (tasks == nullptr || tasks->empty()) return *this;
    Signature without_result = callback;
    without_result.set_immutable(true);
    change_member(tasks->front(), [&](Signature& member) { member.link(without_result); });
  } else {
    append_to_list_option(options_, "link", callback.to_json());
  }
  return *this;
}

Signature& Signature::link_error(const Signature& errback) {
  const auto link_to = [&](Signature& member) { member.link_error(errback); };
  if (subtask_type_ == "chord") {
    if (Json::Array* header = members_of(kwargs_.find("header"))) {
      for (Json& task : *header) {
        if (task["subtask_type"].string_or("") == "chord") change_member(task, link_to);
      }
    }
    if (Json* body = kwargs_.find("body")) change_member(*body, link_to);
  } else if (subtask_type_ == "group") {
    if (Json::Array* tasks = members_of(kwargs_.find("tasks"))) {
      for (Json& task : *tasks) change_member(task, link_to);
    }
  } else {
    append_to_list_option(options_, "link_error", errback.to_json());
  }
  return *this;
}

Signature chain(std::vector<Signature> tasks) {
  Signature signature("celery.chain", {}, {{"tasks", to_json_array(tasks)}});
  signature.subtask_type_ = "chain";
  return signature;
}

Signature group(std::vector<Signature> tasks) {
  Signature signature("celery.group", {}, {{"tasks", to_json_array(tasks)}});
  signature.subtask_type_ = "group";
  return signature;
}

Signature chord(std::vector<Signature> header, Signature body) {
  Signature signature(
      "celery.chord", {},
      {{"kwargs", Json::object()}, {"header", to_json_array(header)}, {"body", body.to_json()}});
  signature.subtask_type_ = "chord";
  return signature;
}

}  // namespace celeriac
