#include "worker/execution/retry_plan.h"

#include <algorithm>
#include <cmath>

#include "worker/execution/exception.h"
#include "worker/execution/retry_options.h"

namespace celeriac::worker {
namespace {

// Python's number in `in 3s`: an integer where it is one.
std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  return dump_json(Json(value));
}

protocol::ExceptionInfo max_retries_exceeded(const protocol::TaskMessage& message) {
  std::string text = "Can't retry " + message.task + "[" + message.id +
                     "] args:" + python_repr_tuple(message.args) +
                     " kwargs:" + python_repr(Json(message.kwargs));
  return {"MaxRetriesExceededError", {Json(std::move(text))}, "celery.exceptions", {}};
}

// New arguments may come the other way than the old ones came: what they do not touch stays, and
// no parameter is given twice (Celery 5.7, Task.retry).
void keep_untouched_arguments(const protocol::TaskMessage& message, const TaskType& type,
                              protocol::RetryOverrides& next) {
  const std::vector<Parameter>& parameters = type.definition->parameters;
  if (next.args && !next.kwargs && !message.kwargs.empty()) {
    next.kwargs = message.kwargs;
    for (std::size_t i = 0; i < next.args->size() && i < parameters.size(); ++i) {
      next.kwargs->erase(parameters[i].name);
    }
  } else if (next.kwargs && !next.args && !message.args.empty()) {
    next.args = message.args;
    for (std::size_t i = 0; i < next.args->size() && i < parameters.size(); ++i) {
      if (const Json* value = next.kwargs->find(parameters[i].name)) {
        (*next.args)[i] = *value;
        next.kwargs->erase(parameters[i].name);
      }
    }
  }
}

// Python's str() of a datetime has a space where ISO 8601 has a T.
std::string when(const JsonObject& options) {
  if (const Json* eta = options.find("eta")) {
    std::string time = eta->string_or("");
    std::ranges::replace(time, 'T', ' ');
    return "at " + time;
  }
  const Json* countdown = options.find("countdown");
  return "in " + number_text(countdown ? countdown->as_double().value_or(0) : 0) + "s";
}

}  // namespace

std::string AnotherTry::text() const {
  std::string text = "Retry " + when(overrides.options);
  if (cause) {
    text += ": " + cause->repr();
  } else if (!reason.empty()) {
    text += ": " + reason;
  }
  return text;
}

Json AnotherTry::result() const {
  if (cause) return cause->to_json();
  if (reason.empty()) return {};
  const protocol::ExceptionInfo asked{"Retry", {Json(reason)}, "celery.exceptions", {}};
  return asked.to_json();
}

std::variant<AnotherTry, RetriesExceeded> plan_retry(const protocol::TaskMessage& message,
                                                     const TaskType& type, const Retry& asked) {
  std::optional<protocol::ExceptionInfo> cause;
  if (asked.cause) cause = describe_exception(asked.cause);

  std::optional<std::int64_t> most = type.max_retries;
  if (asked.options.max_retries) most = asked.options.max_retries;
  if (most && *most >= 0 && message.retries + 1 > *most) {
    return RetriesExceeded{cause ? *std::move(cause) : max_retries_exceeded(message)};
  }
  AnotherTry next;
  next.cause = std::move(cause);
  next.reason = asked.options.reason;
  next.overrides.args = asked.options.args;
  next.overrides.kwargs = asked.options.kwargs;
  next.overrides.options = execution_options(asked.options);
  if (!asked.options.countdown && !asked.options.eta) {
    next.overrides.options.set("countdown", type.default_retry_delay);
  }
  if (!asked.options.ignore_result) {
    next.overrides.options.set("ignore_result", message.ignore_result.value_or(type.ignore_result));
  }
  keep_untouched_arguments(message, type, next.overrides);
  return next;
}

std::optional<Retry> autoretry(const protocol::TaskMessage& message, const TaskType& type,
                               const protocol::ExceptionInfo& exception,
                               const std::exception_ptr& error, const Random& random) {
  const TaskOptions& options = type.options();
  if (!is_one_of(exception, options.autoretry_for)) return std::nullopt;
  if (is_one_of(exception, options.dont_autoretry_for)) return std::nullopt;
  Retry retry{{}, error};
  if (options.retry_backoff > 0) {
    // Celery 5.x, utils/time.py get_exponential_backoff_interval. Doubling 62 times is for ever.
    const double factor = std::floor(std::max(1.0, options.retry_backoff));
    const double doubled =
        std::ldexp(factor, static_cast<int>(std::min<std::int64_t>(message.retries, 62)));
    double countdown = std::min(options.retry_backoff_max.count(), doubled);
    if (options.retry_jitter) {
      countdown = static_cast<double>(random(static_cast<std::int64_t>(countdown)));
    }
    retry.options.countdown = std::chrono::duration<double>(std::max(0.0, countdown));
  }
  return retry;
}

}  // namespace celeriac::worker
