// What a task throws on purpose. None of these is an error: they do not derive
// from std::exception, so that a task's own `catch (const std::exception&)`
// cannot swallow them. Throw them by value.
#pragma once

#include <celeriac/json.h>
#include <celeriac/signature.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace celeriac {

// How a task asks for another try (Celery's Task.retry). What is unset stays as it was in the
// message that asked.
struct RetryOptions {
  using Seconds = std::chrono::duration<double>;
  using Time = std::chrono::system_clock::time_point;

  // From now; unset, and without an eta: the task's default_retry_delay (Celery: 180 s).
  std::optional<Seconds> countdown{};
  // Unset: the task's max_retries. -1: for ever.
  std::optional<std::int64_t> max_retries{};
  std::string reason{};               // shown in logs and stored as the RETRY result
  std::optional<Json::Array> args{};  // replace the arguments
  std::optional<JsonObject> kwargs{};
  std::optional<std::string> queue{};  // another queue than the one it came from

  // The options of apply_async, by Celery's names.
  std::optional<Time> eta{};  // a countdown beats it
  std::optional<std::variant<Seconds, Time>> expires{};
  std::optional<Seconds> time_limit{}, soft_time_limit{};
  std::optional<std::uint8_t> priority{};
  std::optional<std::string> exchange{}, routing_key{};  // both, or else its queue
  std::optional<JsonObject> headers{};  // instead of the message's own, but for the trace context
  std::optional<std::vector<Signature>> link{}, link_error{};
  std::optional<std::string> shadow{}, serializer{}, compression{};
  std::optional<bool> ignore_result{};
};

// Ends this run; the worker publishes the task again, confirmed, before it acks.
// When the retries are used up the task fails with `cause`, or else with
// MaxRetriesExceededError.
struct Retry {
  RetryOptions options;
  std::exception_ptr cause;  // the exception being handled when it was made
};

// Ends this run by rejecting the message (basic.reject): dropped, dead-lettered
// where the queue says so, or requeued.
struct Reject {
  std::string reason{};
  bool requeue = false;
};

// Ends this run without storing a result.
struct Ignore {};

// Ends this run in favour of another signature that takes over its id (Task.replace).
struct Replace {
  Signature with;
};

// Any Python exception by its class, so that `except` clauses in callers match:
// `throw TaskError("ValueError", "boom")`. Other C++ exceptions map to builtins
// (std::invalid_argument → ValueError, std::out_of_range → IndexError, celeriac::Timeout →
// TimeoutError, ArgumentError → TypeError, anything else → RuntimeError).
class TaskError : public std::exception {
 public:
  TaskError(std::string type, std::string message, std::string module = "builtins");
  TaskError(std::string type, Json::Array args, std::string module = "builtins");

  const char* what() const noexcept override { return text_.c_str(); }
  const std::string& type() const { return type_; }
  const Json::Array& args() const { return args_; }
  const std::string& module() const { return module_; }

 private:
  std::string type_, module_, text_;
  Json::Array args_;
};

}  // namespace celeriac
