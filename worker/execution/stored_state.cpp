#include "worker/execution/stored_state.h"

#include <algorithm>

#include "worker/execution/wall_clock.h"

namespace celeriac::worker {
namespace {

// result_extended, in Celery's order (Celery 5.x, backends/base.py _get_result_meta).
JsonObject extended_fields(const Services& services, const TaskRequest& request) {
  const protocol::TaskMessage& message = request.message;
  JsonObject fields;
  fields.set("name", message.task);
  fields.set("args", message.args);
  fields.set("kwargs", message.kwargs);
  fields.set("worker", services.nodename);
  fields.set("retries", message.retries);
  fields.set("queue", request.delivery_info.routing_key);
  if (message.stamps.empty()) return fields;
  Json::Array stamped;
  for (const std::string& header : message.stamped_headers) stamped.push_back(Json(header));
  fields.set("stamped_headers", std::move(stamped));
  for (const auto& [header, stamp] : message.stamps) {
    if (std::ranges::count(message.stamped_headers, header) > 0) fields.set(header, stamp);
  }
  return fields;
}

}  // namespace

StoredState make_state(const Services& services, const Run& run, std::string status, Json result,
                       std::optional<std::string> traceback) {
  const protocol::TaskMessage& message = run.request.message;
  StoredState state;
  protocol::ResultDocument& document = state.document;
  if (protocol::is_ready_state(status)) document.date_done = wall_clock();
  document.status = std::move(status);
  document.result = std::move(result);
  document.traceback = std::move(traceback);
  document.children = Json(run.children);
  document.group_id = message.group;
  document.parent_id = message.parent_id;
  document.task_id = message.id;
  if (services.results.extended) document.extended = extended_fields(services, run.request);
  state.reply_to = message.reply_to;
  state.correlation_id = message.correlation_id.empty() ? message.id : message.correlation_id;
  return state;
}

StoredState make_failure(const Services& services, std::string task_id,
                         const protocol::ExceptionInfo& exception, const Signature& member) {
  StoredState state;
  protocol::ResultDocument& document = state.document;
  document.status = "FAILURE";
  document.result = exception.to_json();
  if (!exception.traceback.empty()) document.traceback = exception.traceback;
  document.date_done = wall_clock();
  document.task_id = std::move(task_id);
  if (services.results.extended) {
    const bool known = !member.task().empty();
    document.extended.set("name", known ? Json(member.task()) : Json());
    document.extended.set("args", known ? Json(member.args()) : Json());
    document.extended.set("kwargs", known ? Json(member.kwargs()) : Json());
    for (const char* unknown : {"worker", "retries", "queue"}) {
      document.extended.set(unknown, Json());
    }
  }
  return state;
}

}  // namespace celeriac::worker
