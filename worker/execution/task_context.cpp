#include "worker/execution/task_context.h"

#include <algorithm>

#include "worker/execution/chord_end.h"
#include "worker/execution/effects.h"
#include "worker/execution/stored_state.h"
#include "worker/execution/wall_clock.h"
#include "worker/log/log.h"
#include "worker/loop/deadline.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

JsonObject spec_names(const protocol::Properties& properties) {
  JsonObject names;
  names.set("content_type", properties.content_type);
  names.set("content_encoding", properties.content_encoding);
  if (properties.delivery_mode) names.set("delivery_mode", *properties.delivery_mode);
  if (properties.priority) names.set("priority", *properties.priority);
  names.set("correlation_id", properties.correlation_id);
  names.set("reply_to", properties.reply_to);
  if (properties.timestamp) names.set("timestamp", *properties.timestamp);
  const std::pair<const char*, const std::string&> others[] = {
      {"expiration", properties.expiration},
      {"message_id", properties.message_id},
      {"type", properties.type},
      {"user_id", properties.user_id},
      {"app_id", properties.app_id},
      {"cluster_id", properties.cluster_id}};
  for (const auto& [name, value] : others) {
    if (!value.empty()) names.set(name, value);
  }
  return names;
}

Async<SentTask> perform_applied(Services& services, Run& run, protocol::Applied applied) {
  Effects effects(services);
  co_await effects.perform(std::move(applied.effects), run);
  co_return SentTask{std::move(applied.id), std::move(applied.result_tuple)};
}

Async<void> store_custom_state(Services& services, Run& run, std::string state, Json meta) {
  StoredState stored = make_state(services, run, std::move(state), std::move(meta));
  co_await services.backend.store(std::move(stored));
}

TaskError as_task_error(const Json& stored) {
  Json::Array args;
  if (const Json::Array* list = stored["exc_message"].as_array()) {
    args = *list;
  } else if (!stored["exc_message"].is_null()) {
    args = {stored["exc_message"]};
  }
  return TaskError(stored["exc_type"].string_or("Exception"), std::move(args),
                   stored["exc_module"].string_or("builtins"));
}

}  // namespace

Request make_request(const protocol::TaskMessage& message,
                     const protocol::DeliveryInfo& delivery_info, const std::string& nodename) {
  Request request;
  request.id = message.id;
  request.task = message.task;
  request.args = message.args;
  request.kwargs = message.kwargs;
  request.retries = message.retries;
  request.root_id = message.root_id;
  request.parent_id = message.parent_id;
  request.group = message.group;
  request.group_index = message.group_index;
  request.shadow = message.shadow;
  request.origin = message.origin;
  request.hostname = nodename;
  request.eta = message.eta_text;
  request.expires = message.expires_text;
  request.time_limit = message.timelimit.hard;
  request.soft_time_limit = message.timelimit.soft;
  request.ignore_result = message.ignore_result.value_or(false);
  request.replaced_task_nesting = message.replaced_task_nesting;
  request.headers = message.headers;
  request.stamped_headers = message.stamped_headers;
  request.stamps = message.stamps;
  request.reply_to = message.reply_to;
  request.correlation_id = message.correlation_id;
  request.callbacks = message.callbacks;
  request.errbacks = message.errbacks;
  request.chain = message.chain;
  request.chord = message.chord;
  request.delivery_info.exchange = delivery_info.exchange;
  request.delivery_info.routing_key = delivery_info.routing_key;
  request.delivery_info.queue = delivery_info.queue;
  request.delivery_info.priority = message.priority;
  request.delivery_info.redelivered = delivery_info.redelivered;
  request.properties = spec_names(message.properties);
  return request;
}

void MarkedLogger::write(log::Level level, const std::string& text) {
  const protocol::TaskMessage& message = request_.message;
  const log::Process* process = request_.child ? &*request_.child : nullptr;
  log::write_from_task(level, text, {message.name(), message.id, process});
}
void MarkedLogger::debug(std::string text) {
  write(log::Level::debug, text);
}
void MarkedLogger::info(std::string text) {
  write(log::Level::info, text);
}
void MarkedLogger::warning(std::string text) {
  write(log::Level::warning, text);
}
void MarkedLogger::error(std::string text) {
  write(log::Level::error, text);
}

TaskContext::TaskContext(Services& services, Run& run)
    : services_(services), run_(run), logger_(run.request) {}

const Request& TaskContext::request() const {
  if (!request_) {
    request_ = std::make_unique<Request>(
        make_request(run_.request.message, run_.request.delivery_info, services_.nodename));
    request_->ignore_result = run_.request.ignores_result();
  }
  return *request_;
}

HttpClient& TaskContext::http() {
  if (!http_) http_.emplace(services_.http, trace_headers(run_.request.message));
  return *http_;
}

Async<void> TaskContext::sleep(std::chrono::duration<double> duration) {
  return sleep_for(services_.loop, std::chrono::duration_cast<Clock::duration>(duration));
}

Async<void> TaskContext::update_state(std::string state, Json meta) {
  return store_custom_state(services_, run_, std::move(state), std::move(meta));
}

Async<SentTask> TaskContext::send(Signature signature) {
  protocol::Applied applied =
      protocol::apply_signature(signature, {}, {}, Effects(services_).canvas_context(run_));
  co_return co_await perform_applied(services_, run_, std::move(applied));
}

Async<Json> TaskContext::wait_result(std::string task_id, std::chrono::duration<double> timeout) {
  const Clock::time_point deadline =
      services_.loop.now() + std::chrono::duration_cast<Clock::duration>(timeout);
  std::string late = "task " + task_id + " has not ended within the " +
                     dump_json(Json(timeout.count())) + " s that were granted";
  Async<protocol::ResultDocument> ended = services_.backend.wait(std::move(task_id));
  const protocol::ResultDocument document =
      co_await with_deadline(services_.loop, deadline, std::move(late), std::move(ended));
  if (protocol::is_exception_state(document.status)) throw as_task_error(document.result);
  co_return document.result;
}

Async<void> TaskContext::add_to_chord(Signature signature) {
  const protocol::TaskMessage& message = run_.request.message;
  protocol::Applied applied =
      protocol::add_to_chord(message, signature, Effects(services_).canvas_context(run_));
  co_await services_.backend.grow_chord(message.group);
  co_await perform_applied(services_, run_, std::move(applied));
}

Async<Json> TaskContext::call(std::string task, Json::Array args) {
  const TaskDefinition* definition = services_.registry.find(task);
  if (!definition) throw TaskError("NotRegistered", task, "celery.exceptions");
  if (const auto* coroutine = std::get_if<TaskDefinition::Coroutine>(&definition->body)) {
    co_return co_await (*coroutine)(*this, std::move(args), {});
  }
  FunctionCall function{*definition, *this, std::move(args), {}};
  function.taken_by = [this](const log::Process& child) { run_.request.child = child; };
  co_return co_await services_.pool.run(std::move(function));
}

Async<void> TaskContext::unlock_chord(std::string group_id, Json body, Json::Array header,
                                      RetryOptions again) {
  Effects effects(services_);
  ChordEnd end(services_, effects, run_);
  co_await end.unlock(std::move(group_id), std::move(body), std::move(header), std::move(again));
}

std::chrono::system_clock::time_point TaskContext::now() const {
  return std::chrono::system_clock::now();
}

void TaskContext::count(const std::string& metric, const Labels& labels, double amount) {
  if (services_.metrics) services_.metrics->count(metric, labels, amount);
}

void TaskContext::observe(const std::string& metric, const Labels& labels, double value) {
  if (services_.metrics) services_.metrics->observe(metric, labels, value);
}

Async<void> TaskContext::run_on_pool(std::function<void()> job) {
  co_await services_.threads.run(job);
}

}  // namespace celeriac::worker
