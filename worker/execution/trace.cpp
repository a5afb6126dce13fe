#include "worker/execution/trace.h"

#include <exception>
#include <utility>

#include "protocol/message/retry.h"
#include "worker/execution/exception.h"
#include "worker/execution/stored_state.h"
#include "worker/execution/task_context.h"
#include "worker/execution/wall_clock.h"
#include "worker/log/log.h"

namespace celeriac::worker {
namespace {

constexpr std::string_view kTrace = "celery.app.trace";
constexpr std::string_view kRequest = "celery.worker.request";

void write(log::Level level, std::string_view logger, const protocol::TaskMessage& message,
           const std::string& text) {
  log::write(level, logger, text, {message.name(), message.id});
}

// A line that Celery writes where the task ran.
void write_of_run(log::Level level, const TaskRequest& request, const std::string& text) {
  const protocol::TaskMessage& message = request.message;
  log::write(level, kTrace, text,
             {message.name(), message.id, request.child ? &*request.child : nullptr});
}

void tell_of_unheld_limit(const TaskRequest& request, double seconds) {
  if (std::exchange(request.type.told_of_unheld_limit, true)) return;
  write(log::Level::warning, kRequest, request.message,
        "The message of " + subject(request.message) + " asks for a time limit of " +
            dump_json(Json(seconds)) +
            " s, which cannot end a function on a thread: it is ignored, now and for later "
            "messages of this task; run the worker with -P prefork");
}

Verdict ack_or(bool acks, Verdict otherwise) {
  return acks ? Verdict::ack : otherwise;
}

}  // namespace

std::chrono::duration<double> Trace::runtime(const Run& run) const {
  return services_.loop.now() - run.request.started;
}

Async<void> Trace::run(Run& run, Slots::Lease slot) {
  TaskRequest& request = run.request;
  request.stage = TaskRequest::Stage::active;
  request.started = services_.loop.now();
  request.started_at = wall_clock();
  ++request.type.total;
  if (!request.type.acks_late) request.settle(services_.broker, Verdict::ack);
  if (log::enabled(log::Level::debug)) {
    write(log::Level::debug, kRequest, request.message,
          "Task accepted: " + subject(request.message) + " pid:" + std::to_string(services_.pid));
  }
  for (TaskObserver* observer : services_.observers) {
    observer->task_started(request.message, request.delivery_info);
  }
  if (request.type.track_started && !request.ignores_result()) co_await store_started(run);

  Outcome outcome = co_await execute(run);
  slot.give_back();
  if (std::holds_alternative<Abandoned>(outcome)) {
    // No await goes on after a cancellation. A late ack stays out, so that it is delivered again.
    for (TaskObserver* observer : services_.observers) {
      observer->task_cancelled(request.message, request.delivery_info);
    }
    co_return;
  }
  co_await settle(run, std::move(outcome));
}

Async<void> Trace::store_started(Run& run) {
  Json meta = Json::object({{"pid", services_.pid}, {"hostname", services_.nodename}});
  StoredState state = make_state(services_, run, "STARTED", std::move(meta));
  co_await services_.backend.store(std::move(state));
}

Async<Outcome> Trace::execute(Run& run) {
  const std::optional<double> soft = run.request.soft_time_limit();
  std::optional<double> hard = run.request.time_limit();
  // Celery's threads ignore a message's limit, too; the worker's own are refused at the start.
  if (hard && !services_.pool.can_end(*run.request.type.definition)) {
    tell_of_unheld_limit(run.request, *hard);
    hard.reset();
  }
  std::optional<TimeLimits> limits;
  if (soft || hard) limits.emplace(services_.loop, soft, hard, run);

  std::exception_ptr error;
  try {
    TaskContext context(services_, run);
    Json result = co_await under(run.interruption, call(run, context));
    // A task that swallowed its cancellation has not beaten its limit.
    if (!run.hard_limit() && !run.signal()) co_return Succeeded{std::move(result)};
    error = std::make_exception_ptr(Cancelled());
  } catch (...) {
    error = std::current_exception();
  }
  co_return outcome_of(run, error);
}

Async<Json> Trace::call(Run& run, TaskContext& context) {
  const TaskDefinition& task = *run.request.type.definition;
  const protocol::TaskMessage& message = run.request.message;
  if (const auto* coroutine = std::get_if<TaskDefinition::Coroutine>(&task.body)) {
    co_return co_await (*coroutine)(context, message.args, message.kwargs);
  }
  FunctionCall function{task, context, message.args, message.kwargs};
  if (const auto soft = run.request.soft_time_limit()) {
    function.soft_time_limit = std::chrono::duration<double>(*soft);
  }
  function.taken_by = [&run](const log::Process& child) { run.request.child = child; };
  co_return co_await services_.pool.run(std::move(function));
}

Outcome Trace::outcome_of(const Run& run, const std::exception_ptr& error) {
  if (run.hard_limit()) return HardLimitExceeded{*run.hard_limit()};
  if (run.signal()) return Terminated{*run.signal()};
  try {
    std::rethrow_exception(error);
  } catch (const Cancelled&) {
    return Abandoned{};
  } catch (const Retry& retry) {
    return retry_of(run, retry);
  } catch (const Reject& reject) {
    return Rejected{reject.reason, reject.requeue};
  } catch (const Ignore&) {
    return Ignored{};
  } catch (const Replace& replace) {
    return Replaced{replace.with};
  } catch (const WorkerLost& lost) {
    // Celery 5.x, worker/request.py on_failure: the message goes back, no result is stored.
    const TaskType& type = run.request.type;
    if (type.acks_late && type.reject_on_worker_lost) return Rejected{lost.what(), true};
    return failure_of(run, error);
  } catch (...) {
    return failure_of(run, error);
  }
}

Outcome Trace::failure_of(const Run& run, const std::exception_ptr& error) {
  const TaskRequest& request = run.request;
  protocol::ExceptionInfo exception = describe_exception(error);
  auto uniform = [this](std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(0, most)(services_.random);
  };
  if (auto again = autoretry(request.message, request.type, exception, error, uniform)) {
    return retry_of(run, *again);
  }
  return with_traceback(run, std::move(exception));
}

Failed Trace::with_traceback(const Run& run, protocol::ExceptionInfo exception) {
  // A lost process leaves none, as in Celery.
  if (exception.type != "WorkerLostError") {
    exception.traceback = make_traceback(run.request.message.task, services_.nodename, exception);
  }
  return Failed{std::move(exception)};
}

// The task itself was well, but what should follow it could not be sent.
Async<void> Trace::fail_with(Run& run, std::exception_ptr error) {
  Failed failed = with_traceback(run, describe_exception(error));
  const bool acks = run.request.type.acks_on_failure;
  co_await fail(run, std::move(failed.exception), ack_or(acks, Verdict::reject));
}

Outcome Trace::retry_of(const Run& run, const Retry& retry) {
  auto plan = plan_retry(run.request.message, run.request.type, retry);
  if (auto* exceeded = std::get_if<RetriesExceeded>(&plan)) {
    return with_traceback(run, std::move(exceeded->exception));
  }
  return std::get<AnotherTry>(std::move(plan));
}

Async<void> Trace::settle(Run& run, Outcome outcome) {
  TaskRequest& request = run.request;
  const TaskType& type = request.type;
  const Verdict on_failure = ack_or(type.acks_on_failure, Verdict::reject);
  if (auto* succeeded = std::get_if<Succeeded>(&outcome)) {
    co_await succeed(run, std::move(succeeded->result));
  } else if (auto* failed = std::get_if<Failed>(&outcome)) {
    co_await fail(run, std::move(failed->exception), on_failure);
  } else if (auto* next = std::get_if<AnotherTry>(&outcome)) {
    co_await retry(run, std::move(*next));
  } else if (std::holds_alternative<Ignored>(outcome)) {
    write_of_run(log::Level::info, request, "Task " + subject(request.message) + " ignored");
    request.settle(services_.broker, Verdict::ack);
  } else if (const auto* rejected = std::get_if<Rejected>(&outcome)) {
    co_await reject(run, *rejected);
  } else if (auto* replaced = std::get_if<Replaced>(&outcome)) {
    co_await replace(run, std::move(replaced->with));
  } else if (const auto* timed_out = std::get_if<HardLimitExceeded>(&outcome)) {
    Json::Array args{Json(timed_out->limit)};
    protocol::ExceptionInfo exception{
        "TimeLimitExceeded", std::move(args), "billiard.exceptions", {}};
    co_await fail(run, std::move(exception), ack_or(type.acks_on_timeout, Verdict::requeue));
  } else if (std::holds_alternative<Terminated>(outcome)) {
    co_await revoke(run, "terminated");
  }
  request.settle_adopted(services_.broker);
}

Async<void> Trace::succeed(Run& run, Json result) {
  TaskRequest& request = run.request;
  const protocol::TaskMessage& message = request.message;
  std::exception_ptr refused;
  if (!message.callbacks.is_null() || !message.chain.is_null()) {
    try {
      std::vector<protocol::Effect> effects =
          protocol::after_success(message, result, effects_.canvas_context(run));
      co_await effects_.perform(std::move(effects), run);
    } catch (const Error&) {
      refused = std::current_exception();
    }
  }
  if (!refused && services_.backend.stores_results()) {
    try {
      co_await record_success(run, result);
    } catch (const EncodeError&) {  // Celery 5.7, app/trace.py: then the task has failed
      refused = std::current_exception();
    }
  }
  if (refused) {
    co_await fail_with(run, refused);
    co_return;
  }
  log_succeeded(run, result);
  request.settle(services_.broker, Verdict::ack);
}

Async<void> Trace::record_success(Run& run, Json result) {
  if (!run.request.ignores_result()) {
    StoredState state = make_state(services_, run, "SUCCESS", result);
    co_await services_.backend.store(std::move(state));
  }
  if (!run.request.message.chord.is_null()) {
    co_await effects_.count_in_chord("SUCCESS", std::move(result), run);
  }
}

void Trace::log_succeeded(const Run& run, const Json& result) {
  const bool logged = log::enabled(log::Level::info);
  if (!logged && services_.observers.empty()) return;
  const protocol::TaskMessage& message = run.request.message;
  const std::string repr = python_repr(result);
  const std::chrono::duration<double> seconds = runtime(run);
  if (logged) {
    write_of_run(log::Level::info, run.request,
                 "Task " + subject(message) + " succeeded in " + dump_json(Json(seconds.count())) +
                     "s: " + repr);
  }
  for (TaskObserver* observer : services_.observers) {
    observer->task_succeeded(message, run.request.delivery_info, repr, seconds);
  }
}

// Stores it, counts it in its chord and passes it on to what would have followed.
Async<void> Trace::record_failure(Run& run, protocol::ExceptionInfo exception) {
  TaskRequest& request = run.request;
  std::optional<std::string> traceback;
  if (!exception.traceback.empty()) traceback = exception.traceback;
  if (services_.backend.stores_results()) {
    if (request.stores_errors()) {
      StoredState state = make_state(services_, run, "FAILURE", exception.to_json(), traceback);
      co_await services_.backend.store(std::move(state));
    }
    if (!request.message.chord.is_null()) {
      co_await effects_.count_in_chord("FAILURE", exception.to_json(), run);
    }
  }
  std::string refused;
  try {
    co_await effects_.pass_on_failure(exception, run);
  } catch (const Error& error) {
    refused = error.what();
  }
  if (!refused.empty()) {
    write_of_run(log::Level::error, request,
                 "The error callbacks of " + subject(request.message) +
                     " could not be published: " + refused);
  }
}

Async<void> Trace::fail(Run& run, protocol::ExceptionInfo exception, Verdict late_verdict) {
  TaskRequest& request = run.request;
  co_await record_failure(run, exception);
  log_failed(run, exception);
  if (!request.settled() && late_verdict != Verdict::ack) {
    for (TaskObserver* observer : services_.observers) {
      observer->task_rejected(request.message, request.delivery_info,
                              late_verdict == Verdict::requeue);
    }
  }
  request.settle(services_.broker, late_verdict);
}

void Trace::log_failed(const Run& run, const protocol::ExceptionInfo& exception) {
  const protocol::TaskMessage& message = run.request.message;
  const bool expected = is_one_of(exception, run.request.type.options().throws);
  std::string repr = exception.repr();
  if (exception.traceback.empty()) {
    write(log::Level::error, kRequest, message, "Task handler raised error: " + repr);
  } else if (expected) {
    write_of_run(log::Level::info, run.request,
                 "Task " + subject(message) + " raised expected: " + repr);
  } else {
    write_of_run(
        log::Level::error, run.request,
        "Task " + subject(message) + " raised unexpected: " + repr + "\n" + exception.traceback);
  }
  for (TaskObserver* observer : services_.observers) {
    observer->task_failed(message, run.request.delivery_info, exception.type, repr,
                          exception.traceback);
  }
}

Async<void> Trace::retry(Run& run, AnotherTry next) {
  TaskRequest& request = run.request;
  const protocol::TaskMessage& message = request.message;
  const protocol::ExceptionInfo shown =
      next.cause ? *next.cause : protocol::ExceptionInfo{"Retry", {}, "celery.exceptions", {}};
  const std::string traceback = make_traceback(message.task, services_.nodename, shown);
  // Before the message goes out: the next try may be over before we hear that it has begun.
  if (services_.backend.stores_results() && !request.ignores_result()) {
    StoredState state = make_state(services_, run, "RETRY", next.result(), traceback);
    co_await services_.backend.store(std::move(state));
  }
  const std::string refused = co_await publish_next_try(request, next);
  if (!refused.empty()) {  // Celery 5.x, app/task.py: a retry that cannot be sent is a Reject
    Rejected rejected{"the retry could not be published: " + refused, false};
    co_await reject(run, std::move(rejected));
    co_return;
  }
  write_of_run(log::Level::info, request, "Task " + subject(message) + " retry: " + next.text());
  const std::string repr = next.cause ? next.cause->repr() : next.text();
  for (TaskObserver* observer : services_.observers) {
    observer->task_retried(message, request.delivery_info, repr, traceback);
  }
  request.settle(services_.broker, Verdict::ack);
}

// Why it could not be sent; empty when it was.
Async<std::string> Trace::publish_next_try(TaskRequest& request, AnotherTry next) {
  try {
    protocol::PublishTask publish =
        protocol::retry_to_publish(request.message, next.overrides, wall_clock());
    co_await services_.publisher.publish_retry(std::move(publish), request.delivery_info);
  } catch (const Error& error) {
    co_return error.what();
  }
  co_return std::string();
}

Async<void> Trace::replace(Run& run, Signature with) {
  TaskRequest& request = run.request;
  std::exception_ptr refused;
  try {
    std::vector<protocol::Effect> effects =
        protocol::replace_task(request.message, with, effects_.canvas_context(run));
    co_await effects_.perform(std::move(effects), run);
  } catch (const Error&) {
    refused = std::current_exception();
  }
  if (refused) {
    co_await fail_with(run, refused);
    co_return;
  }
  write_of_run(log::Level::info, request, "Task " + subject(request.message) + " ignored");
  request.settle(services_.broker, Verdict::ack);
}

// Celery 5.7, worker/request.py on_failure: a message that is dropped will never run again, so
// its task has failed; nobody waits for it in vain.
Async<void> Trace::reject(Run& run, Rejected rejected) {
  TaskRequest& request = run.request;
  write_of_run(log::Level::warning, request,
               "Task " + subject(request.message) + " reject requeue=" +
                   (rejected.requeue ? "True" : "False") + ": " + rejected.reason);
  if (!request.settled()) {
    for (TaskObserver* observer : services_.observers) {
      observer->task_rejected(request.message, request.delivery_info, rejected.requeue);
    }
  }
  if (!rejected.requeue) {
    Json::Array args{rejected.reason.empty() ? Json() : Json(rejected.reason), Json(false)};
    const protocol::ExceptionInfo exception{"Reject", std::move(args), "celery.exceptions", {}};
    co_await record_failure(run, exception);
    for (TaskObserver* observer : services_.observers) {
      observer->task_failed(request.message, request.delivery_info, exception.type,
                            exception.repr(), {});
    }
  }
  request.settle(services_.broker, rejected.requeue ? Verdict::requeue : Verdict::reject);
}

Async<void> Trace::revoke(Run& run, std::string_view reason) {
  TaskRequest& request = run.request;
  Json::Array args{Json(reason)};
  const protocol::ExceptionInfo exception{
      "TaskRevokedError", std::move(args), "celery.exceptions", {}};
  if (services_.backend.stores_results()) {
    if (request.stores_errors()) {
      StoredState state = make_state(services_, run, "REVOKED", exception.to_json());
      co_await services_.backend.store(std::move(state));
    }
    if (!request.message.chord.is_null()) {
      co_await effects_.count_in_chord("REVOKED", exception.to_json(), run);
    }
  }
  using Revocation = TaskObserver::Revocation;
  Revocation kind = Revocation::revoked;
  if (reason == "terminated") kind = Revocation::terminated;
  if (reason == "expired") kind = Revocation::expired;
  for (TaskObserver* observer : services_.observers) {
    observer->task_revoked(request.message, request.delivery_info, kind, run.signal());
  }
  request.settle(services_.broker, Verdict::ack);
}

Async<void> Trace::discard(TaskRequest& request, Discard why) {
  write(log::Level::info, kRequest, request.message,
        "Discarding revoked task: " + subject(request.message));
  Run run(request);
  co_await revoke(run, why == Discard::expired ? "expired" : "revoked");
}

Async<void> Trace::give_up(Run& run, std::string why) {
  Json::Array args{Json(std::move(why))};
  protocol::ExceptionInfo exception{"WorkerLostError", std::move(args), "billiard.exceptions", {}};
  co_await fail(run, std::move(exception), Verdict::reject);
  run.request.settle_adopted(services_.broker);
}

Async<void> Trace::refuse_unregistered(protocol::TaskMessage message, protocol::DeliveryInfo info,
                                       DeliveryRef delivery) {
  protocol::ExceptionInfo exception{"NotRegistered", {}, "celery.exceptions", {}};
  exception.args.emplace_back(message.task);
  StoredState state = make_failure(services_, message.id, exception, Signature());
  state.reply_to = message.reply_to;
  state.correlation_id = message.correlation_id;
  if (services_.backend.stores_results() && !message.id.empty()) {
    co_await services_.backend.store(std::move(state));
  }
  const std::string repr = exception.repr();
  for (TaskObserver* observer : services_.observers) {
    observer->task_failed(message, info, exception.type, repr, {});
  }
  services_.broker.settle(delivery, Verdict::reject);
}

}  // namespace celeriac::worker
