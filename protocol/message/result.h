// The document that a result backend stores for a task, and exceptions in it
// (wire page, sections 6.1 and 6.2).
#pragma once

#include <celeriac/json.h>

#include <optional>
#include <string>
#include <string_view>

#include "protocol/message/result_format.h"
#include "protocol/message/task_message.h"
#include "protocol/message/timestamp.h"

namespace celeriac::protocol {

// An exception as Celery serialises it: the class a Python client will raise.
struct ExceptionInfo {
  std::string type;       // "ValueError"
  Json::Array args;       // exc_message
  std::string module;     // "builtins", "celery.exceptions", "billiard.exceptions" …
  std::string traceback;  // text; empty: null

  Json to_json() const;      // {"exc_type": …, "exc_message": …, "exc_module": …}
  std::string repr() const;  // ValueError('boom', 1)

  // Reads what to_json writes, and a message that is a single value. The traceback
  // is not in it. Nothing if it is no exception.
  static std::optional<ExceptionInfo> from_json(const Json& json);
};

struct ResultDocument {
  std::string status;  // SUCCESS, FAILURE, RETRY, STARTED, REVOKED or a custom state
  Json result;
  std::optional<std::string> traceback;
  Json children = Json::array();  // result tuples; null when stored without a request
  std::optional<Timestamp> date_done;
  std::string group_id, parent_id;
  std::string task_id;
  JsonObject extended;  // name, args, kwargs, worker, retries, queue, stamps: written in this order
};

// As a value, members in Celery's order.
Json result_to_json(const ResultDocument& document);
// Throws MessageError(undecodable).
ResultDocument result_from_json(Json json);

// As Celery stores it. Throws EncodeError if the result cannot be written.
std::string encode_result(const ResultDocument& document, const ResultFormat& format = {});
// Throws MessageError(undecodable).
ResultDocument decode_result(std::string_view payload, const ResultFormat& format = {});

bool is_ready_state(std::string_view status);      // SUCCESS, FAILURE, REVOKED
bool is_exception_state(std::string_view status);  // RETRY, FAILURE, REVOKED

// Keys of the Redis backend; `prefix` is result_backend_transport_options.global_keyprefix.
std::string task_meta_key(std::string_view prefix, std::string_view task_id);
std::string group_meta_key(std::string_view prefix, std::string_view group_id);

// The tuples that stand for results among children: a task's `[[id, parent], null]`
// and a group's `[[id, parent], [member, …]]`, where the parent is a tuple or null.
Json result_tuple(std::string_view task_id, Json parent = nullptr);
Json group_result_tuple(std::string_view group_id, const Json::Array& members,
                        Json parent = nullptr);

}  // namespace celeriac::protocol
