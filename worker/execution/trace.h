// Runs one task from its slot to its ack and turns its end into a Celery state (Celery 5.x,
// app/trace.py, worker/request.py).
#pragma once

#include <celeriac/async.h>

#include <string>
#include <string_view>

#include "worker/consumer/strategy.h"
#include "worker/execution/effects.h"
#include "worker/execution/outcome.h"
#include "worker/execution/run.h"
#include "worker/execution/services.h"
#include "worker/execution/slots.h"
#include "worker/execution/task_context.h"

namespace celeriac::worker {

// Loop thread only. What a task leaves behind is made durable in this order: callbacks and the
// next of the chain, the result, the chord's count; then events are sent and the message is
// acknowledged. A crash at any point lets the broker deliver it again.
class Trace {
 public:
  explicit Trace(Services& services) : services_(services), effects_(services) {}

  // Everything from the early ack to the late one. The slot is given back when the task's own
  // code has ended. Both arguments must outlive it.
  Async<void> run(Run& run, Slots::Lease slot);

  // A task that must not run: revoked or expired.
  Async<void> discard(TaskRequest& request, Discard why);

  // A task that whatever ran it never brought to an end: FAILURE WorkerLostError, then the reject.
  Async<void> give_up(Run& run, std::string why);

  // FAILURE NotRegistered for a message whose task this worker does not have; then the reject.
  Async<void> refuse_unregistered(protocol::TaskMessage message, protocol::DeliveryInfo info,
                                  DeliveryRef delivery);

 private:
  Async<Outcome> execute(Run& run);
  Async<Json> call(Run& run, TaskContext& context);
  Outcome outcome_of(const Run& run, const std::exception_ptr& error);
  Outcome failure_of(const Run& run, const std::exception_ptr& error);
  Outcome retry_of(const Run& run, const Retry& retry);
  Failed with_traceback(const Run& run, protocol::ExceptionInfo exception);

  Async<void> settle(Run& run, Outcome outcome);
  Async<void> succeed(Run& run, Json result);
  Async<void> record_success(Run& run, Json result);
  Async<void> record_failure(Run& run, protocol::ExceptionInfo exception);
  Async<void> fail(Run& run, protocol::ExceptionInfo exception, Verdict late_verdict);
  Async<void> fail_with(Run& run, std::exception_ptr error);
  Async<void> retry(Run& run, AnotherTry next);
  Async<std::string> publish_next_try(TaskRequest& request, AnotherTry next);
  Async<void> replace(Run& run, Signature with);
  Async<void> revoke(Run& run, std::string_view reason);
  Async<void> reject(Run& run, Rejected rejected);

  Async<void> store_started(Run& run);
  void log_succeeded(const Run& run, const Json& result);
  void log_failed(const Run& run, const protocol::ExceptionInfo& exception);
  std::chrono::duration<double> runtime(const Run& run) const;

  Services& services_;
  Effects effects_;
};

}  // namespace celeriac::worker
