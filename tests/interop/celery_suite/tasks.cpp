// The tasks of Celery's integration suite (t/integration/tasks.py), for a C++ worker: same
// names, same parameters, same outcomes. Kept in the order of the suite's page of names: plain,
// request, retry and reject, Redis, error callbacks, workflows built in the worker.

#include <celeriac/module.h>
#include <celeriac/typed_json.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "python_values.h"

using celeriac::Async;
using celeriac::BlockingContext;
using celeriac::chain;
using celeriac::chord;
using celeriac::Context;
using celeriac::group;
using celeriac::Json;
using celeriac::JsonObject;
using celeriac::param;
using celeriac::params;
using celeriac::Registry;
using celeriac::SentTask;
using celeriac::Signature;
using celeriac::TaskError;
using celeriac::TaskFailure;
using Seconds = std::chrono::duration<double>;

using celery_suite::plus;
using celery_suite::sum;
using celery_suite::times;

namespace {

const std::string kModule = "t.integration.tasks";

std::string named(const std::string& task) {
  return kModule + "." + task;
}
Signature sig(const std::string& task, Json::Array args = {}, JsonObject kwargs = {}) {
  return Signature(named(task), std::move(args), std::move(kwargs));
}

TaskError expected_exception(Json::Array args) {
  return TaskError("ExpectedException", std::move(args), kModule);
}
// A class whose constructor wants more than the arguments that it keeps.
TaskError unpickleable(Json foo) {
  return TaskError("UnpickleableException", Json::Array{std::move(foo)}, kModule);
}

Json text_or_none(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

// Plain ---------------------------------------------------------------------------------

Json ping() {
  return "pong";
}
Json identity(Json x) {
  return x;
}
Json add(Json x, Json y, Json z) {
  return z.truthy() ? plus(plus(x, y), z) : plus(x, y);
}
Json add_two(Json x, Json y) {
  return plus(x, y);
}
Json mul(Json x, Json y) {
  return times(x, y);
}
Json tsum(Json nums) {
  return sum(nums);
}
Json xsum(std::vector<Json> nums) {
  Json total = 0;
  for (const Json& number : nums) total = plus(total, number.is_array() ? sum(number) : number);
  return total;
}
std::int64_t write_to_file_and_return_int(std::string file_name, std::int64_t i) {
  std::ofstream(file_name, std::ios::app) << i << '\n';
  return i;
}
Async<Json> raise_error(Context&, Json::Array, JsonObject) {
  throw TaskError("ValueError", "deliberate error");
  co_return Json();
}
Async<Json> fail(Context&, Json::Array args, JsonObject) {
  args.insert(args.begin(), "Task expected to fail");
  throw expected_exception(std::move(args));
  co_return Json();
}
void fail_unpickleable(Json foo, Json) {
  throw unpickleable(std::move(foo));
}
Async<Json> delayed_sum(Context& ctx, Json numbers, double pause_time) {
  co_await ctx.sleep(Seconds(pause_time));
  co_return sum(numbers);
}
Async<Json> delayed_sum_with_soft_guard(Context& ctx, Json numbers, double pause_time) {
  try {
    co_await ctx.sleep(Seconds(pause_time));
    co_return sum(numbers);
  } catch (const celeriac::SoftTimeLimitExceeded&) {
    co_return 0;
  }
}
Async<Json> sleeping(Context& ctx, Json::Array args, JsonObject kwargs) {
  const Json seconds = args.empty() ? kwargs["i"] : args.front();
  co_await ctx.sleep(Seconds(seconds.as_double().value_or(0)));
  co_return Json();
}
void print_unicode(BlockingContext& ctx, std::string log_message, std::string print_message) {
  ctx.log().warning(log_message);
  std::cout << print_message << std::endl;
}
Json return_exception(Json e) {
  return Json::array({std::move(e), true});
}
bool replaced_with_me() {
  return true;
}
Json add_pydantic(JsonObject data) {
  return Json::object({{"result", plus(data["x"], data["y"])}});
}

void add_plain_tasks(Registry& registry) {
  const auto x_y_z = params("x", "y", param("z", nullptr));
  registry.add("celery.ping", ping);
  registry.add(named("identity"), identity, params("x"));
  registry.add(named("add"), add, x_y_z);
  registry.add(named("add_not_typed"), add_two, params("x", "y"));
  registry.add(named("add_ignore_result"), add_two, params("x", "y"), {.ignore_result = true});
  registry.add(named("add_with_result"), add_two, params("x", "y"), {.ignore_result = false});
  registry.add(named("mul"), mul, params("x", "y"));
  registry.add(named("tsum"), tsum, params("nums"));
  registry.add(named("xsum"), xsum, params("nums"));
  registry.add(named("write_to_file_and_return_int"), write_to_file_and_return_int,
               params("file_name", "i"));
  registry.add_any(named("raise_error"), raise_error);
  registry.add_any(named("fail"), fail);
  registry.add(named("fail_unpickleable"), fail_unpickleable, params("foo", "bar"));
  registry.add(named("delayed_sum"), delayed_sum, params("numbers", param("pause_time", 1.0)));
  registry.add(named("delayed_sum_with_soft_guard"), delayed_sum_with_soft_guard,
               params("numbers", param("pause_time", 1.0)));
  registry.add_any(named("sleeping"), sleeping);
  registry.add(named("print_unicode"), print_unicode,
               params(param("log_message", "håå®ƒ valmuefrø"), param("print_message", "hiöäüß")));
  registry.add(named("return_exception"), return_exception, params("e"));
  registry.add(named("replaced_with_me"), replaced_with_me);
  registry.add(named("add_pydantic"), add_pydantic, params("data"));
  registry.add(named("add_pydantic_string_annotations"), add_pydantic, params("data"));
}

// The request ---------------------------------------------------------------------------

Json own_ids(const celeriac::Request& request, Json i) {
  return Json::array(
      {text_or_none(request.root_id), text_or_none(request.parent_id), std::move(i)});
}
Async<Json> ids(Context& ctx, Json i) {
  co_return own_ids(ctx.request(), std::move(i));
}
Async<Json> collect_ids(Context& ctx, Json res, Json i) {
  co_return Json::array({std::move(res), own_ids(ctx.request(), std::move(i))});
}
Async<Json> return_priority(Context& ctx, Json::Array, JsonObject) {
  const auto priority = ctx.request().delivery_info.priority;
  co_return "Priority: " + (priority ? std::to_string(*priority) : "None");
}
Async<Json> return_request_eta(Context& ctx) {
  co_return ctx.request().eta;
}
Async<JsonObject> return_properties(Context& ctx) {
  co_return ctx.request().properties;
}
Async<Json> return_time_limits(Context& ctx) {
  co_return Json::object({{"time_limit", ctx.request().time_limit},
                          {"soft_time_limit", ctx.request().soft_time_limit}});
}

void add_request_tasks(Registry& registry) {
  using namespace std::chrono_literals;
  registry.add(named("ids"), ids, params("i"));
  registry.add(named("collect_ids"), collect_ids, params("res", "i"));
  registry.add_any(named("return_priority"), return_priority);
  registry.add(named("return_request_eta"), return_request_eta);
  registry.add(named("return_properties"), return_properties);
  registry.add(named("return_request_time_limits"), return_time_limits);
  registry.add(named("task_with_declared_time_limits"), return_time_limits,
               {.soft_time_limit = 45s, .time_limit = 60s});
}

// Retry and reject ----------------------------------------------------------------------

// Throws a retry that has this error for its cause.
[[noreturn]] void retry_because(Context& ctx, const TaskError& error,
                                celeriac::RetryOptions options) {
  try {
    throw error;
  } catch (const TaskError&) {
    throw ctx.retry(std::move(options));
  }
}

Async<Json> retry(Context& ctx, Json return_value) {
  static int attempt = 0;  // of the process, as in the suite
  if (return_value.truthy() && attempt++ >= 3) {
    attempt = 0;
    co_return return_value;
  }
  retry_because(ctx, expected_exception({}), {.countdown = Seconds(5)});
}

Async<Json> retry_unpickleable(Context& ctx, Json foo, Json, JsonObject retry_kwargs) {
  celeriac::RetryOptions options;
  if (auto countdown = retry_kwargs["countdown"].as_double())
    options.countdown = Seconds(*countdown);
  options.max_retries = retry_kwargs["max_retries"].as_int();
  retry_because(ctx, unpickleable(std::move(foo)), std::move(options));
  co_return Json();
}

JsonObject retried(const Context& ctx) {
  return {{"retries", ctx.request().retries}, {"is_eager", false}};
}
Async<JsonObject> retry_with_args_after_kwargs(Context& ctx, Json foo, Json bar, Json label) {
  if (ctx.request().retries == 0) {
    throw ctx.retry({.countdown = Seconds(0), .args = Json::Array{plus(foo, 1), plus(bar, 1)}});
  }
  JsonObject result{{"foo", foo}, {"bar", bar}, {"label", label}};
  for (auto& [name, value] : retried(ctx)) result.set(name, value);
  co_return result;
}
Async<JsonObject> retry_with_kwargs_after_args(Context& ctx, Json foo, Json bar) {
  if (ctx.request().retries == 0) {
    throw ctx.retry({.countdown = Seconds(0), .kwargs = JsonObject{{"foo", plus(foo, 1)}}});
  }
  JsonObject result{{"foo", foo}, {"bar", bar}};
  for (auto& [name, value] : retried(ctx)) result.set(name, value);
  co_return result;
}

// The retry that the retry_once family asks for by its keyword arguments.
celeriac::Retry once_more(const Context& ctx, JsonObject kwargs) {
  celeriac::RetryOptions options;
  options.countdown = Seconds(kwargs["countdown"].as_double().value_or(0.1));
  options.max_retries = kwargs["max_retries"].as_int().value_or(1);
  return ctx.retry(std::move(options));
}
Async<Json> retry_once(Context& ctx, Json::Array, JsonObject kwargs) {
  if (ctx.request().retries == 0) throw once_more(ctx, std::move(kwargs));
  co_return ctx.request().retries;
}
Async<Json> retry_once_priority(Context& ctx, Json::Array, JsonObject kwargs) {
  if (ctx.request().retries == 0) throw once_more(ctx, std::move(kwargs));
  co_return ctx.request().delivery_info.priority;
}
Async<Json> retry_once_headers(Context& ctx, Json::Array, JsonObject kwargs) {
  if (ctx.request().retries == 0) throw once_more(ctx, std::move(kwargs));
  const JsonObject& headers = ctx.request().headers;
  co_return headers.empty() ? Json() : Json(headers);
}
Async<std::int64_t> retry_at_once(Context& ctx) {
  if (ctx.request().retries == 0) throw ctx.retry({.countdown = Seconds(0)});
  co_return ctx.request().retries;
}
Async<std::int64_t> auto_retry(Context& ctx) {
  if (ctx.request().retries == 0) throw TaskError("ValueError", Json::Array{});
  co_return ctx.request().retries;
}
Async<std::string> reject_then_succeed(Context& ctx) {
  if (!ctx.request().delivery_info.redelivered) throw celeriac::Reject{.requeue = true};
  co_return "second-pass";
}
Async<void> reject_without_requeue(Context&) {
  throw celeriac::Reject{.reason = "rejected"};
  co_return;
}

void add_retry_tasks(Registry& registry) {
  registry.add(named("retry"), retry, params(param("return_value", nullptr)));
  registry.add(named("retry_unpickleable"), retry_unpickleable,
               params("foo", "bar", "retry_kwargs"));
  registry.add(named("retry_with_args_after_kwargs"), retry_with_args_after_kwargs,
               params("foo", "bar", param("label", nullptr)), {.max_retries = 1});
  registry.add(named("retry_with_kwargs_after_args"), retry_with_kwargs_after_args,
               params("foo", "bar"), {.max_retries = 1});
  registry.add_any(named("retry_once"), retry_once, {.max_retries = 1});
  registry.add_any(named("retry_once_priority"), retry_once_priority, {.max_retries = 1});
  registry.add_any(named("retry_once_headers"), retry_once_headers, {.max_retries = 1});
  registry.add(named("retry_once_ignore_result"), retry_at_once, {.ignore_result = true});
  registry.add(named("retry_once_with_result"), retry_at_once, {.ignore_result = false});
  registry.add("auto_retry_class_task", auto_retry,
               {.max_retries = 1, .autoretry_for = {"ValueError"}, .retry_backoff = 1});
  registry.add(named("reject_then_succeed"), reject_then_succeed, {.acks_late = true});
  registry.add(named("reject_without_requeue"), reject_without_requeue);
}

// Redis, where the suite looks for what has run -------------------------------------------

celeriac::RedisClient& suite_redis(Context& ctx) {
  const auto setting = [](const char* name, const char* fallback) {
    const char* value = std::getenv(name);
    return std::string(value ? value : fallback);
  };
  return ctx.redis("redis://" + setting("REDIS_HOST", "localhost") + ":" +
                   setting("REDIS_PORT", "6379") + "/0");
}

// Texts, bytes and numbers as redis-py writes them.
std::string redis_text(const Json& value) {
  if (const auto bytes = celeriac::bytes_from_json(value)) return *bytes;
  return value.is_string() ? *value.as_string() : python_repr(value);
}

Async<void> redis_echo(Context& ctx, Json message, std::string redis_key) {
  co_await suite_redis(ctx).command("RPUSH", redis_key, redis_text(message));
}
Async<void> redis_echo_group_id(Context& ctx, Json, std::string redis_key) {
  co_await suite_redis(ctx).command("RPUSH", redis_key, ctx.request().group);
}
Async<void> redis_count(Context& ctx, std::string redis_key) {
  co_await suite_redis(ctx).command("INCR", redis_key);
}
Async<Json> sum_and_record(Context& ctx, Json values, std::string redis_key) {
  co_await suite_redis(ctx).command("RPUSH", redis_key, ctx.request().id);
  co_return sum(values);
}

// Error callbacks. The old style is a task that is given the failed task's id.

Async<std::string> errback_old_style(Context& ctx, std::string request_id) {
  co_await suite_redis(ctx).command("INCR", request_id);
  co_return request_id;
}
Async<void> errback_old_style_with_args(Context& ctx, std::string request_id, Json label) {
  co_await suite_redis(ctx).command("RPUSH", request_id, redis_text(label));
}
Async<void> errback_new_style(Context& ctx, TaskFailure failure) {
  co_await suite_redis(ctx).command("INCR", failure.request.id);
}
Async<void> errback_new_style_with_args(Context& ctx, TaskFailure failure, Json label) {
  co_await suite_redis(ctx).command("RPUSH", failure.request.id, redis_text(label));
}

void add_redis_tasks(Registry& registry) {
  registry.add(named("redis_echo"), redis_echo,
               params("message", param("redis_key", "redis-echo")));
  registry.add(named("redis_echo_group_id"), redis_echo_group_id,
               params("_", param("redis_key", "redis-group-ids")));
  registry.add(named("redis_count"), redis_count, params(param("redis_key", "redis-count")));
  registry.add(named("sum_and_record"), sum_and_record, params("values", "redis_key"));
  registry.add(named("errback_old_style"), errback_old_style, params("request_id"));
  registry.add(named("errback_old_style_with_args"), errback_old_style_with_args,
               params("request_id", "label"));
  registry.add_errback(named("errback_new_style"), errback_new_style);
  registry.add_errback(named("errback_new_style_with_args"), errback_new_style_with_args,
                       params("label"));
}

// Workflows that the worker builds ------------------------------------------------------

std::vector<Signature> additions(const std::vector<Json>& nums, const Json& val) {
  std::vector<Signature> tasks;
  for (const Json& num : nums) tasks.push_back(sig("add", {num, val}));
  return tasks;
}

Async<void> add_replaced(Context& ctx, Json x, Json y) {
  throw ctx.replace(sig("add", {x, y}));
  co_return;
}
Async<void> add_replaced_with_chain(Context& ctx, Json x, Json y) {
  throw ctx.replace(chain({sig("add", {x, y}), sig("identity")}));
  co_return;
}
Async<Json> fail_replaced(Context& ctx, Json::Array args, JsonObject) {
  throw ctx.replace(sig("fail", std::move(args)).set_immutable(true));
  co_return Json();
}
Async<Json> record_replaced_task_nesting(Context& ctx, std::int64_t replacements, Json nesting) {
  Json::Array levels = nesting.is_array() ? *nesting.as_array() : Json::Array{};
  levels.push_back(ctx.request().replaced_task_nesting);
  if (replacements == 0) co_return levels;
  Signature next = sig("record_replaced_task_nesting", {replacements - 1, std::move(levels)});
  next.set("reply_to", ctx.request().reply_to);
  throw ctx.replace(std::move(next));
}

Signature echo_of(const Json& link_msg) {
  Signature echo = sig("redis_echo");
  if (!link_msg.is_null()) {
    echo.args() = {link_msg};
    echo.set_immutable(true);
  }
  return echo;
}
Async<Json> replace_with_chain(Context& ctx, Json::Array args, JsonObject kwargs) {
  Signature steps = chain({sig("identity", std::move(args)), sig("identity")});
  steps.link(echo_of(kwargs["link_msg"]));
  throw ctx.replace(std::move(steps));
  co_return Json();
}
Async<Json> replace_with_chain_which_raises(Context& ctx, Json::Array args, JsonObject kwargs) {
  Signature steps = chain({sig("identity", std::move(args)), sig("raise_error")});
  steps.link_error(echo_of(kwargs["link_msg"]));
  throw ctx.replace(std::move(steps));
  co_return Json();
}
Async<Json> replace_with_empty_chain(Context& ctx, Json::Array, JsonObject) {
  throw ctx.replace(chain({}));
  co_return Json();
}
Async<void> replace_with_chain_which_contains_a_group(Context& ctx) {
  throw ctx.replace(chain({sig("add", {1, 2}), group({sig("add", {1}), sig("add", {1})})}));
  co_return;
}
Async<void> replace_with_stamped_task(Context& ctx, Json replace_with) {
  Signature with =
      replace_with.is_null() ? sig("replaced_with_me") : Signature::from_json(replace_with);
  with.set("stamped_headers", Json::array({"StampOnReplace"}));
  with.set("StampOnReplace", "This is the replaced task");
  throw ctx.replace(std::move(with));
  co_return;
}

Async<void> add_to_all(Context& ctx, std::vector<Json> nums, Json val) {
  throw ctx.replace(group(additions(nums, val)));
  co_return;
}
Async<int> add_to_all_to_chord(Context& ctx, std::vector<Json> nums, Json val) {
  for (Signature& addition : additions(nums, val)) co_await ctx.add_to_chord(std::move(addition));
  co_return 0;
}
Async<int> add_chord_to_chord(Context& ctx, std::vector<Json> nums, Json val) {
  Signature total = chord(additions(nums, val), sig("tsum"));
  co_await ctx.add_to_chord(std::move(total));
  co_return 0;
}

// Two tasks that replace themselves by a chain with the other one in it, and say when.
Async<void> second_order_replace(Context& ctx, Json state, std::string letter, Signature inner,
                                 std::string self) {
  auto& redis = suite_redis(ctx);
  if (state.truthy()) {
    co_await redis.command("RPUSH", "redis-echo", "Out " + letter);
    co_return;
  }
  co_await redis.command("RPUSH", "redis-echo", "In " + letter);
  Signature out = sig(self, {}, {{"state", true}});
  out.set_immutable(true);
  throw ctx.replace(chain({std::move(inner), std::move(out)}));
}
Async<void> second_order_replace1(Context& ctx, Json state) {
  return second_order_replace(ctx, std::move(state), "A", sig("second_order_replace2"),
                              "second_order_replace1");
}
Async<void> second_order_replace2(Context& ctx, Json state) {
  return second_order_replace(ctx, std::move(state), "B", sig("redis_echo", {"In/Out C"}),
                              "second_order_replace2");
}

Async<SentTask> build_chain_inside_task(Context& ctx) {
  Signature steps = chain({sig("add", {1, 1}), sig("add", {2}),
                           group({sig("add", {3}), sig("add", {4})}), sig("add", {5})});
  co_return co_await ctx.send(std::move(steps));
}

// A composition of one kind around one of another kind, around `add`.
Signature nested(const std::string& outer, const std::string& inner) {
  const auto compose = [](const std::string& kind, const Signature& member) {
    if (kind == "chain") return chain({member});
    if (kind == "group") return group({member});
    return chord({member}, sig("add"));
  };
  return compose(outer, compose(inner, sig("add")));
}

// Throws if any part of it is no signature.
void rebuild_signature(Json sig_dict) {
  const Signature signature = Signature::from_json(sig_dict);
  for (const char* members : {"tasks", "header"}) {
    const Json* found = signature.kwargs().find(members);
    if (!found) continue;
    if (found->is_object()) rebuild_signature(*found);
    if (const Json::Array* tasks = found->as_array()) {
      for (const Json& task : *tasks) rebuild_signature(task);
    }
  }
  if (const Json* body = signature.kwargs().find("body")) rebuild_signature(*body);
}

void add_workflow_tasks(Registry& registry) {
  registry.add(named("add_replaced"), add_replaced, params("x", "y"));
  registry.add(named("add_replaced_with_chain"), add_replaced_with_chain, params("x", "y"));
  registry.add_any(named("fail_replaced"), fail_replaced);
  registry.add(named("record_replaced_task_nesting"), record_replaced_task_nesting,
               params("replacements", param("nesting", nullptr)));
  registry.add_any(named("replace_with_chain"), replace_with_chain);
  registry.add_any(named("replace_with_chain_which_raises"), replace_with_chain_which_raises);
  registry.add_any(named("replace_with_empty_chain"), replace_with_empty_chain);
  registry.add(named("replace_with_chain_which_contains_a_group"),
               replace_with_chain_which_contains_a_group);
  registry.add(named("replace_with_stamped_task"), replace_with_stamped_task,
               params(param("replace_with", nullptr)));
  registry.add(named("add_to_all"), add_to_all, params("nums", "val"));
  registry.add(named("add_to_all_to_chord"), add_to_all_to_chord, params("nums", "val"));
  registry.add(named("add_chord_to_chord"), add_chord_to_chord, params("nums", "val"));
  registry.add(named("second_order_replace1"), second_order_replace1,
               params(param("state", false)));
  registry.add(named("second_order_replace2"), second_order_replace2,
               params(param("state", false)));
  registry.add(named("build_chain_inside_task"), build_chain_inside_task);
  for (const std::string outer : {"chain", "group", "chord"}) {
    for (const std::string inner : {"chain", "group", "chord"}) {
      registry.add(named("return_nested_signature_" + outer + "_" + inner),
                   [outer, inner] { return nested(outer, inner).to_json(); });
    }
  }
  registry.add(named("rebuild_signature"), rebuild_signature, params("sig_dict"));
}

}  // namespace

CELERIAC_MODULE(registry) {
  add_plain_tasks(registry);
  add_request_tasks(registry);
  add_retry_tasks(registry);
  add_redis_tasks(registry);
  add_workflow_tasks(registry);
}
