#include "protocol/message/result.h"

#include <celeriac/error.h>

#include <utility>

namespace celeriac::protocol {
namespace {

constexpr std::string_view kTaskKeyPrefix = "celery-task-meta-";
constexpr std::string_view kGroupKeyPrefix = "celery-taskset-meta-";

// Celery 5.x, backends/base.py KeyValueStoreBackend: an underscore follows a
// prefix that does not end in a separator of its own.
std::string key(std::string_view prefix, std::string_view kind, std::string_view id) {
  std::string key(prefix);
  constexpr std::string_view kSeparators = ":_-.";
  if (!key.empty() && kSeparators.find(key.back()) == std::string_view::npos) key += '_';
  return key.append(kind).append(id);
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

// Python's own repr of a string, which an exception's repr uses; saferepr, for arguments and
// results, quotes otherwise.
std::string string_repr(std::string_view value) {
  const bool has_single = value.find('\'') != std::string_view::npos;
  const char quote = has_single && value.find('"') == std::string_view::npos ? '"' : '\'';
  std::string text(1, quote);
  for (const char c : value) {
    switch (c) {
      case '\n':
        text += "\\n";
        break;
      case '\r':
        text += "\\r";
        break;
      case '\t':
        text += "\\t";
        break;
      default:
        if (c == quote || c == '\\') text += '\\';
        text += c;
    }
  }
  return text + quote;
}

}  // namespace

Json ExceptionInfo::to_json() const {
  return Json::object({{"exc_type", type}, {"exc_message", args}, {"exc_module", module}});
}

std::optional<ExceptionInfo> ExceptionInfo::from_json(const Json& json) {
  const std::string* type = json["exc_type"].as_string();
  if (type == nullptr) return std::nullopt;
  ExceptionInfo exception;
  exception.type = *type;
  exception.module = json["exc_module"].string_or("");
  const Json& message = json["exc_message"];
  if (const Json::Array* args = message.as_array()) {
    exception.args = *args;
  } else if (!message.is_null()) {
    exception.args = {message};
  }
  return exception;
}

std::string ExceptionInfo::repr() const {
  std::string text = type + "(";
  const char* separator = "";
  for (const Json& arg : args) {
    const std::string* string = arg.as_string();
    text += separator + (string ? string_repr(*string) : python_repr(arg));
    separator = ", ";
  }
  return text + ")";
}

Json result_to_json(const ResultDocument& document) {
  JsonObject meta{
      {"status", document.status},
      {"result", document.result},
      {"traceback", document.traceback},
      {"children", document.children},
      {"date_done", document.date_done ? Json(to_iso8601(*document.date_done)) : Json()}};
  if (!document.group_id.empty()) meta.set("group_id", document.group_id);
  if (!document.parent_id.empty()) meta.set("parent_id", document.parent_id);
  for (const auto& [name, value] : document.extended) meta.set(name, value);
  meta.set("task_id", text_or_null(document.task_id));
  return Json(std::move(meta));
}

ResultDocument result_from_json(Json json) {
  if (!json["status"].is_string()) {
    throw MessageError(MessageError::Kind::undecodable, "not a result: it has no 'status'");
  }
  ResultDocument document;
  document.children = nullptr;
  for (auto& [name, value] : *json.as_object()) {
    if (name == "status") {
      document.status = value.string_or("");
    } else if (name == "result") {
      document.result = std::move(value);
    } else if (name == "traceback") {
      if (value.is_string()) document.traceback = *value.as_string();
    } else if (name == "children") {
      document.children = std::move(value);
    } else if (name == "date_done") {
      if (value.is_string()) document.date_done = parse_iso8601(*value.as_string());
    } else if (name == "group_id") {
      document.group_id = value.string_or("");
    } else if (name == "parent_id") {
      document.parent_id = value.string_or("");
    } else if (name == "task_id") {
      document.task_id = value.string_or("");
    } else {
      document.extended.set(name, std::move(value));
    }
  }
  return document;
}

std::string encode_result(const ResultDocument& document, const ResultFormat& format) {
  return encode_stored(result_to_json(document), format);
}

ResultDocument decode_result(std::string_view payload, const ResultFormat& format) {
  return result_from_json(decode_stored(payload, format));
}

bool is_ready_state(std::string_view status) {
  return status == "SUCCESS" || status == "FAILURE" || status == "REVOKED";
}

bool is_exception_state(std::string_view status) {
  return status == "RETRY" || status == "FAILURE" || status == "REVOKED";
}

std::string task_meta_key(std::string_view prefix, std::string_view task_id) {
  return key(prefix, kTaskKeyPrefix, task_id);
}

std::string group_meta_key(std::string_view prefix, std::string_view group_id) {
  return key(prefix, kGroupKeyPrefix, group_id);
}

Json result_tuple(std::string_view task_id, Json parent) {
  return Json::array({Json::array({Json(task_id), std::move(parent)}), nullptr});
}

Json group_result_tuple(std::string_view group_id, const Json::Array& members, Json parent) {
  return Json::array({Json::array({Json(group_id), std::move(parent)}), members});
}

}  // namespace celeriac::protocol
