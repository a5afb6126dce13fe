// Which tasks a worker runs, under which names, with which options.
//
//   registry.add("tasks.add", add, params("x", "y"));
//   registry.add("news.summarize", summarize, params("url", param("max_words", 50)),
//                {.rate_limit = "10/m", .max_retries = 5, .acks_late = true});
//
// A coroutine `Async<T> f(Context&, args…)` runs on the loop; a plain function
// `T f(args…)`, or with a BlockingContext& in front, runs on the pool.
#pragma once

#include <celeriac/async.h>
#include <celeriac/context.h>
#include <celeriac/convert.h>
#include <celeriac/json.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace celeriac {

// "10/s", "100/m", "0.5/h" or "5" (a second). Checked when compiled: "10/q" is refused.
class RateLimit {
 public:
  constexpr RateLimit() = default;
  template <std::size_t N>
  consteval RateLimit(const char (&text)[N]) : text_(text) {
    if (!is_valid(text_)) throw "a rate limit is a number with /s, /m or /h behind it";
  }
  static constexpr bool is_valid(std::string_view text);
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// What a task is unless a message, an annotation or remote control says otherwise.
// Unset options follow the worker's settings. Names and meanings are Celery's.
struct TaskOptions {
  RateLimit rate_limit{};
  std::optional<std::int64_t> max_retries = 3;  // unset: for ever
  std::chrono::duration<double> default_retry_delay = std::chrono::seconds(180);
  // Exceptions that retry by themselves: Python class names, as they would be stored
  // ("HttpError", "ConnectionError", "Exception" for all).
  std::vector<std::string> autoretry_for{};
  std::vector<std::string> dont_autoretry_for{};
  double retry_backoff = 0;  // 0: off; else the factor in seconds
  std::chrono::duration<double> retry_backoff_max = std::chrono::seconds(600);
  bool retry_jitter = true;
  std::optional<bool> acks_late{};
  std::optional<bool> acks_on_failure{}, acks_on_timeout{};
  std::optional<bool> reject_on_worker_lost{};
  std::optional<bool> track_started{}, ignore_result{}, store_errors_even_if_ignored{};
  std::optional<std::chrono::duration<double>> soft_time_limit{}, time_limit{};
  std::vector<std::string> throws{};  // expected exceptions: logged at INFO without a traceback
  std::optional<std::string> queue{}, serializer{}, compression{};
  std::optional<std::uint8_t> priority{};
  bool send_events = true;
  std::string description{};  // shown by `celeriac tasks` and in stubs
};

// One parameter of a task, for binding, error texts, stubs and schemas.
struct Parameter {
  std::string name;
  std::string type;           // Python's annotation: "int", "str", "list[float]" …
  std::optional<Json> fallback;  // its default; unset: required
};

// A registered task, its types erased.
struct TaskDefinition {
  using Coroutine = std::function<Async<Json>(Context&, Json::Array, JsonObject)>;
  using Function = std::function<Json(BlockingContext&, Json::Array, JsonObject)>;

  std::string name;
  TaskOptions options;
  std::variant<Coroutine, Function> body;
  std::vector<Parameter> parameters;
  bool takes_any_arguments = false;  // body takes (Json::Array args, JsonObject kwargs)
  std::string returns;               // Python's annotation of the result
  bool builtin = false;              // hidden from `inspect registered`

  bool is_coroutine() const { return std::holds_alternative<Coroutine>(body); }
};

// A named parameter, required or with a default.
struct ParamSpec {
  std::string name;
  std::optional<Json> fallback;
};
inline ParamSpec param(std::string name) { return {std::move(name), std::nullopt}; }
template <class T>
ParamSpec param(std::string name, T fallback) {
  return {std::move(name), to_json(fallback)};
}

template <std::size_t N>
struct Params {
  std::array<ParamSpec, N> specs;
};
template <class... S>
Params<sizeof...(S)> params(S... specs);

class Registry {
 public:
  // Throws ConfigError for a name that is already taken, or an option that cannot hold.
  template <class F, std::size_t N>
  void add(std::string name, F function, Params<N> parameters, TaskOptions options = {});
  // A task without parameters.
  template <class F>
  void add(std::string name, F function, TaskOptions options = {});
  // A task that takes whatever it is sent.
  void add_any(std::string name, TaskDefinition::Coroutine body, TaskOptions options = {});
  void add(TaskDefinition definition);

  // An error callback with Celery's new-style signature, run inside the worker
  // (request, exception, traceback) when a task fails that names it in link_error.
  using Errback = std::function<void(const Request& failed, const TaskError& exception,
                                     const std::string& traceback)>;
  void add_errback(std::string name, Errback errback);

  const TaskDefinition* find(std::string_view name) const;
  const Errback* find_errback(std::string_view name) const;
  // In the order of their names.
  std::vector<const TaskDefinition*> tasks() const;

 private:
  std::map<std::string, TaskDefinition, std::less<>> tasks_;
  std::map<std::string, Errback, std::less<>> errbacks_;
};

}  // namespace celeriac
