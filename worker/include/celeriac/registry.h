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

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
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
  static constexpr bool is_valid(std::string_view text) {
    if (text.size() > 2 && text[text.size() - 2] == '/') {
      if (std::string_view("smh").find(text.back()) == std::string_view::npos) return false;
      text.remove_suffix(2);
    }
    return is_number(text);
  }
  constexpr std::string_view text() const { return text_; }

 private:
  static constexpr bool is_number(std::string_view text) {
    int digits = 0, points = 0;
    for (char c : text) {
      if (c >= '0' && c <= '9') {
        ++digits;
      } else if (c == '.') {
        ++points;
      } else {
        return false;
      }
    }
    return digits > 0 && points <= 1;
  }

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
  std::string type;              // Python's annotation: "int", "str", "list[float]" …
  std::optional<Json> fallback;  // its default; unset: required
  Json schema{};                 // JSON Schema of its values
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
  Json returns_schema{};             // JSON Schema of the result
  bool builtin = false;              // hidden from `inspect registered`

  bool is_coroutine() const { return std::holds_alternative<Coroutine>(body); }
};

// What a new-style error callback is told. After a chord was given up, `request` is that of
// the body, which never ran: little more than its id.
struct TaskFailure {
  TaskFailure(Request failed, TaskError error, std::string text)
      : request(std::move(failed)), exception(std::move(error)), traceback(std::move(text)) {}

  Request request;
  TaskError exception;
  std::string traceback;
};

using Errback =
    std::function<Async<void>(Context&, TaskFailure, Json::Array args, JsonObject kwargs)>;

// A named parameter, required or with a default.
struct ParamSpec {
  std::string name;
  std::optional<Json> fallback;
};
inline ParamSpec param(std::string name) {
  return {std::move(name), std::nullopt};
}
inline ParamSpec param(ParamSpec spec) {
  return spec;
}
template <class T>
ParamSpec param(std::string name, T fallback) {
  return {std::move(name), to_json_value(fallback)};
}

template <std::size_t N>
struct Params {
  std::array<ParamSpec, N> specs;
};
// The parameters in their order: `params("url", param("max_words", 50))`.
template <class... S>
Params<sizeof...(S)> params(S... specs) {
  return {{param(std::move(specs))...}};
}

namespace detail {

// The part of a task's name that Python shows in its TypeErrors: `add` of `tasks.add`.
std::string function_name(std::string_view task);

// Binds arguments to parameters as Python binds them, with its error texts (ArgumentError).
// `bound` has one place for each parameter.
void bind_arguments(std::string_view function, std::span<const ParamSpec> parameters,
                    Json::Array& args, JsonObject& kwargs, std::span<Json> bound);

// The parts of a callable's type. `Leading` is its context parameter, or void.
template <class F>
struct Callable : Callable<decltype(&F::operator())> {};
template <class R, class... A>
struct Callable<R (*)(A...)> {
  using Result = R;
  using Leading = void;
  using Arguments = std::tuple<std::decay_t<A>...>;
  static constexpr bool kTakesReferences = (std::is_reference_v<A> || ...);
};
template <class R, class... A>
struct Callable<R (*)(Context&, A...)> : Callable<R (*)(A...)> {
  using Leading = Context;
};
template <class R, class... A>
struct Callable<R (*)(BlockingContext&, A...)> : Callable<R (*)(A...)> {
  using Leading = BlockingContext;
};
template <class R, class... A>
struct Callable<R (*)(A...) noexcept> : Callable<R (*)(A...)> {};
template <class F, class R, class... A>
struct Callable<R (F::*)(A...)> : Callable<R (*)(A...)> {};
template <class F, class R, class... A>
struct Callable<R (F::*)(A...) const> : Callable<R (*)(A...)> {};

template <class R>
struct AsyncValue {
  static constexpr bool kIsAsync = false;
  using Value = R;
};
template <class T>
struct AsyncValue<Async<T>> {
  static constexpr bool kIsAsync = true;
  using Value = T;
};

template <class R>
std::string return_annotation() {
  if constexpr (std::is_void_v<R>) {
    return "None";
  } else {
    return JsonType<std::decay_t<R>>::annotation();
  }
}

template <class R>
Json return_schema() {
  if constexpr (std::is_void_v<R>) {
    return JsonType<std::nullptr_t>::schema();
  } else {
    return JsonType<std::decay_t<R>>::schema();
  }
}

// One task's function with what is needed to call it with JSON.
template <class F, std::size_t N>
struct BoundTask {
  using Arguments = typename Callable<F>::Arguments;

  std::string function_name;
  F function;
  std::array<ParamSpec, N> parameters;

  Arguments bind(Json::Array& args, JsonObject& kwargs) const {
    std::array<Json, N> bound;
    bind_arguments(function_name, parameters, args, kwargs, bound);
    return read(bound, std::make_index_sequence<N>());
  }

 private:
  template <std::size_t... I>
  Arguments read([[maybe_unused]] const std::array<Json, N>& bound,
                 std::index_sequence<I...>) const {
    return Arguments{JsonType<std::tuple_element_t<I, Arguments>>::read(
        bound[I], Place(function_name, parameters[I].name))...};
  }
};

// Owns the function and its arguments while the task runs.
template <class F, class Arguments>
Async<Json> run_coroutine(Context& context, F function, Arguments arguments) {
  using Value = typename AsyncValue<typename Callable<F>::Result>::Value;
  auto call = [&](auto&... values) { return function(context, std::move(values)...); };
  if constexpr (std::is_void_v<Value>) {
    co_await std::apply(call, arguments);
    co_return Json();
  } else {
    co_return JsonType<std::decay_t<Value>>::write(co_await std::apply(call, arguments));
  }
}

template <class F, class Arguments>
Json run_function(BlockingContext& context, const F& function, Arguments arguments) {
  using Value = typename Callable<F>::Result;
  auto call = [&](auto&... values) -> Value {
    if constexpr (std::is_void_v<typename Callable<F>::Leading>) {
      return function(std::move(values)...);
    } else {
      return function(context, std::move(values)...);
    }
  };
  if constexpr (std::is_void_v<Value>) {
    std::apply(call, arguments);
    return Json();
  } else {
    return JsonType<std::decay_t<Value>>::write(std::apply(call, arguments));
  }
}

template <class Arguments, std::size_t... I>
std::vector<Parameter> describe(const std::array<ParamSpec, sizeof...(I)>& specs,
                                std::index_sequence<I...>) {
  return {Parameter{specs[I].name, JsonType<std::tuple_element_t<I, Arguments>>::annotation(),
                    specs[I].fallback, JsonType<std::tuple_element_t<I, Arguments>>::schema()}...};
}

template <class F, std::size_t N>
TaskDefinition define(std::string name, F function, Params<N> parameters, TaskOptions options) {
  using Parts = Callable<F>;
  using Arguments = typename Parts::Arguments;
  using Result = typename Parts::Result;
  constexpr bool kIsAsync = AsyncValue<Result>::kIsAsync;
  static_assert(std::tuple_size_v<Arguments> == N,
                "params(...) must name each parameter of the task's function, "
                "except the context");
  static_assert(!kIsAsync || std::is_same_v<typename Parts::Leading, Context>,
                "a coroutine task takes celeriac::Context& as its first parameter");
  static_assert(kIsAsync || !std::is_same_v<typename Parts::Leading, Context>,
                "a task with celeriac::Context& must return celeriac::Async<T>; a plain "
                "function takes celeriac::BlockingContext&");
  static_assert(!kIsAsync || !Parts::kTakesReferences,
                "a coroutine task takes its arguments by value");

  TaskDefinition definition;
  definition.options = std::move(options);
  definition.parameters = describe<Arguments>(parameters.specs, std::make_index_sequence<N>());
  definition.returns = return_annotation<typename AsyncValue<Result>::Value>();
  definition.returns_schema = return_schema<typename AsyncValue<Result>::Value>();
  BoundTask<F, N> task{function_name(name), std::move(function), std::move(parameters.specs)};
  definition.name = std::move(name);
  if constexpr (kIsAsync) {
    definition.body = TaskDefinition::Coroutine(
        [task = std::move(task)](Context& context, Json::Array args, JsonObject kwargs) {
          return run_coroutine(context, task.function, task.bind(args, kwargs));
        });
  } else {
    definition.body = TaskDefinition::Function(
        [task = std::move(task)](BlockingContext& context, Json::Array args, JsonObject kwargs) {
          return run_function(context, task.function, task.bind(args, kwargs));
        });
  }
  return definition;
}

// Only its arguments are bound: the failure comes from the worker.
template <class... A, std::size_t N>
Errback define_errback(std::string name, Async<void> (*function)(Context&, TaskFailure, A...),
                       Params<N> parameters) {
  static_assert(sizeof...(A) == N,
                "params(...) must name each parameter of the errback, except the context and "
                "the failure");
  BoundTask<void (*)(A...), N> binder{std::move(name), nullptr, std::move(parameters.specs)};
  return [binder = std::move(binder), function](Context& context, TaskFailure failure,
                                                Json::Array args, JsonObject kwargs) {
    auto arguments = binder.bind(args, kwargs);
    return std::apply(
        [&](auto&... values) {
          return function(context, std::move(failure), std::move(values)...);
        },
        arguments);
  };
}

}  // namespace detail

class Registry {
 public:
  // Throws ConfigError for a name that is already taken, or an option that cannot hold.
  template <class F, std::size_t N>
  void add(std::string name, F function, Params<N> parameters, TaskOptions options = {}) {
    add(detail::define(std::move(name), std::move(function), std::move(parameters),
                       std::move(options)));
  }
  // A task without parameters.
  template <class F>
  void add(std::string name, F function, TaskOptions options = {}) {
    add(std::move(name), std::move(function), Params<0>{}, std::move(options));
  }
  // A task that takes whatever it is sent.
  void add_any(std::string name, TaskDefinition::Coroutine body, TaskOptions options = {});
  void add(TaskDefinition definition);

  // A new-style error callback: runs inside the worker when a task fails, or a chord is given
  // up, that names it in link_error. Its context is that of the task that failed. `params` name
  // the arguments that the signature brings along:
  //
  //   Async<void> report(Context& ctx, TaskFailure failure, std::string channel);
  //   registry.add_errback("alerts.report", report, params("channel"));
  //
  // What it throws is logged and changes nothing. An errback that takes the failed task's id
  // instead is an ordinary task.
  template <class... A, std::size_t N>
  void add_errback(std::string name, Async<void> (*function)(Context&, TaskFailure, A...),
                   Params<N> parameters) {
    auto defined =
        detail::define_errback(detail::function_name(name), function, std::move(parameters));
    add_errback(std::move(name), std::move(defined));
  }
  void add_errback(std::string name, Async<void> (*function)(Context&, TaskFailure)) {
    add_errback(std::move(name), function, Params<0>{});
  }
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
