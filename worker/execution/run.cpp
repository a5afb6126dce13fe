#include "worker/execution/run.h"

#include <celeriac/error.h>

#include <string>

#include "worker/log/log.h"

namespace celeriac::worker {
namespace {

constexpr std::string_view kLogger = "celery.worker.request";

std::string seconds_text(double seconds) {
  return dump_json(Json(seconds)) + "s";
}

}  // namespace

void Run::terminate(int signal) {
  signal_ = signal;
  interruption.cancel();
}

void Run::soft_limit_passed(double seconds) {
  const protocol::TaskMessage& message = request.message;
  log::write(log::Level::warning, kLogger,
             "Soft time limit (" + seconds_text(seconds) + ") exceeded for " + subject(message),
             {message.name(), message.id});
  // A plain function is told by its pool.
  if (!request.type.definition->is_coroutine()) return;
  interruption.interrupt(std::make_exception_ptr(SoftTimeLimitExceeded()));
}

void Run::hard_limit_passed(double seconds) {
  const protocol::TaskMessage& message = request.message;
  log::write(log::Level::error, kLogger,
             "Hard time limit (" + seconds_text(seconds) + ") exceeded for " + subject(message),
             {message.name(), message.id});
  hard_limit_ = seconds;
  interruption.cancel();
}

}  // namespace celeriac::worker
