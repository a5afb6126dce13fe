// A task's signature as a message: Celery 5.7, app/base.py send_task and app/amqp.py as_task_v2.

#include <utility>

#include "protocol/message/canvas_composer.h"
#include "protocol/message/execution_options.h"

namespace celeriac::protocol {
namespace {

void set_stamps(const CanvasNode& task, TaskMessage& message) {
  const Json* names = task.option("stamped_headers");
  const Json::Array* list = names ? names->as_array() : nullptr;
  if (!list) return;
  for (const Json& name : *list) {
    const std::string* stamp = name.as_string();
    if (!stamp) continue;
    message.stamped_headers.push_back(*stamp);
    if (const Json* value = task.options.find(*stamp)) message.stamps.set(*stamp, *value);
  }
}

}  // namespace

PublishTask task_to_publish(const CanvasNode& task, const CanvasContext& context) {
  TaskMessage message;
  message.task = task.task;
  message.id = task.text_option("task_id");
  message.args = task.args;
  message.kwargs = task.kwargs;
  if (const Json* chain = task.option("chain")) message.chain = *chain;
  if (const Json* chord = task.option("chord")) message.chord = *chord;
  apply_options(task.options, context.now, message);
  if (const Json* retries = task.option("retries")) message.retries = retries->as_int().value_or(0);

  message.root_id = task.text_option("root_id");
  if (message.root_id.empty()) {
    message.root_id = context.root_id.empty() ? context.parent_id : context.root_id;
  }
  if (message.root_id.empty()) message.root_id = message.id;
  message.parent_id = task.text_option("parent_id");
  if (message.parent_id.empty()) message.parent_id = context.parent_id;
  message.group = task.text_option("group_id");
  if (const Json* index = task.option("group_index")) message.group_index = index->as_int();

  message.origin = task.option("origin") ? task.text_option("origin") : context.origin;
  message.argsrepr = task.text_option("argsrepr");
  message.kwargsrepr = task.text_option("kwargsrepr");
  if (const Json* nesting = task.option("replaced_task_nesting")) {
    message.replaced_task_nesting = nesting->as_int().value_or(0);
  }
  set_stamps(task, message);
  message.headers = context.headers.headers;
  message.headers_beside = context.headers.headers_beside;
  if (const Json* headers = task.option("headers"); headers && headers->is_object()) {
    for (const auto& [name, value] : *headers->as_object()) message.headers.set(name, value);
  }
  message.reply_to = task.option("reply_to") ? task.text_option("reply_to") : context.oid;
  message.correlation_id = message.id;

  PublishTask publish;
  publish.routing = routing_of(task.options);
  if (!publish.routing.priority) publish.routing.priority = context.inherited_priority;
  message.priority = publish.routing.priority;
  publish.message = std::move(message);
  return publish;
}

}  // namespace celeriac::protocol
