// The tasks that tests/interop/test_tasks*.py call, one for each thing a task can do.
#include <celeriac/module.h>

#include <csignal>
#include <fstream>
#include <thread>

namespace {

using namespace std::chrono_literals;
using celeriac::Async;
using celeriac::BlockingContext;
using celeriac::Context;
using celeriac::Json;

// Leaves a mark that the test can wait for and count.
void mark(const std::string& path, const std::string& line) {
  std::ofstream(path, std::ios::app) << line << std::endl;
}

long add(long x, long y) {
  return x + y;
}
Async<long> add_on_loop(Context&, long x, long y) {
  co_return x + y;
}
Async<Json> echo(Context&, Json value) {
  co_return value;
}
std::string bytes() {
  return "\xff\xfe";
}
void fail_with_bytes() {
  throw std::runtime_error(bytes());
}
long total(std::vector<long> numbers) {
  long sum = 0;
  for (long number : numbers) sum += number;
  return sum;
}

Async<void> fail(Context&, std::string type, Json value) {
  throw celeriac::TaskError(type, Json::Array{value});
  co_return;
}
void fail_on_pool() {
  throw std::invalid_argument("from a thread");
}

Async<Json> describe(Context& ctx) {
  const celeriac::Request& request = ctx.request();
  co_return Json::object({{"id", request.id},
                          {"task", request.task},
                          {"retries", request.retries},
                          {"root_id", request.root_id},
                          {"parent_id", request.parent_id},
                          {"group", request.group},
                          {"hostname", request.hostname},
                          {"queue", request.delivery_info.queue},
                          {"redelivered", request.delivery_info.redelivered},
                          {"headers", request.headers}});
}

Async<std::string> sleep_for(Context& ctx, double seconds, std::string path) {
  mark(path, "started " + ctx.request().id);
  co_await ctx.sleep(std::chrono::duration<double>(seconds));
  mark(path, "ended " + ctx.request().id);
  co_return "slept";
}

// Keeps the loop to itself, as no coroutine should.
Async<std::string> hog_loop(Context& ctx, double seconds, std::string path) {
  mark(path, "started " + ctx.request().id);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  mark(path, "ended " + ctx.request().id);
  co_return "hogged";
}

std::string block_for(BlockingContext& ctx, double seconds, std::string path) {
  mark(path, "started " + ctx.request().id);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  mark(path, "ended " + ctx.request().id);
  return "blocked";
}

// Waits until the test makes the file `gate`.
Async<std::string> wait_at(Context& ctx, std::string gate, std::string path) {
  mark(path, "started " + ctx.request().id);
  while (!std::ifstream(gate)) co_await ctx.sleep(10ms);
  mark(path, "ended " + ctx.request().id);
  co_return "through";
}

Async<void> kill_worker(Context& ctx, std::string path) {
  mark(path, "started " + ctx.request().id);
  std::raise(SIGKILL);
  co_return;
}

Async<long> retry_until(Context& ctx, long tries, double countdown) {
  if (ctx.request().retries < tries) {
    celeriac::RetryOptions options;
    options.countdown = std::chrono::duration<double>(countdown);
    options.reason = "not yet";
    throw ctx.retry(options);
  }
  co_return ctx.request().retries;
}

Async<void> retry_with_cause(Context& ctx) {
  try {
    throw celeriac::TaskError("KeyError", "gone");
  } catch (const celeriac::TaskError&) {
    throw ctx.retry({.countdown = 0s, .max_retries = 2});
  }
  co_return;
}

Async<long> fail_at_first(Context& ctx) {
  if (ctx.request().retries < 2) throw celeriac::TaskError("ConnectionError", "down");
  co_return ctx.request().retries;
}

Async<void> reject(Context&, bool requeue) {
  throw celeriac::Reject{"no reason", requeue};
  co_return;
}
Async<void> ignore(Context&) {
  throw celeriac::Ignore{};
  co_return;
}
celeriac::Signature add_signature(long x, long y) {
  return celeriac::Signature("interop.add", Json::Array{x, y});
}

Async<void> replace_with_add(Context& ctx, long x, long y) {
  throw ctx.replace(add_signature(x, y));
  co_return;
}

Async<std::string> survive_soft_limit(Context& ctx) {
  std::string seen = "nothing";
  try {
    co_await ctx.sleep(60s);
  } catch (const celeriac::SoftTimeLimitExceeded&) {
    seen = "soft limit";
  }
  co_return seen;
}

Async<void> progress(Context& ctx, std::string gate) {
  const Json meta = Json::object({{"done", 1}, {"of", 2}});
  co_await ctx.update_state("PROGRESS", meta);
  while (!std::ifstream(gate)) co_await ctx.sleep(10ms);
}

Async<Json> send_add(Context& ctx, long x, long y) {
  const celeriac::Signature signature = add_signature(x, y);
  auto sent = co_await ctx.send(signature);
  co_return co_await ctx.wait_result(sent.id, 10s);
}

celeriac::SentTask send_from_thread(BlockingContext& ctx, long x, long y) {
  return ctx.send(add_signature(x, y));
}

Async<long> offload_sum(Context& ctx, long x, long y) {
  auto job = [x, y] { return x + y; };
  co_return co_await ctx.offload(job);
}

Async<void> note(Context&, Json value, std::string path) {
  mark(path, celeriac::dump_json(value));
  co_return;
}

}  // namespace

CELERIAC_MODULE(registry) {
  using celeriac::param, celeriac::params;
  registry.add("interop.add", add, params("x", param("y", 10)));
  registry.add("interop.add_on_loop", add_on_loop, params("x", "y"));
  registry.add("interop.echo", echo, params("value"));
  registry.add("interop.echo_late", echo, params("value"), {.acks_late = true});
  registry.add("interop.bytes", bytes);
  registry.add("interop.fail_with_bytes", fail_with_bytes);
  registry.add("interop.total", total, params("numbers"));
  registry.add("interop.fail", fail, params("type", "value"));
  registry.add("interop.fail_on_pool", fail_on_pool);
  registry.add("interop.describe", describe);
  registry.add("interop.sleep_for", sleep_for, params("seconds", "path"));
  registry.add("interop.hog_loop", hog_loop, params("seconds", "path"));
  registry.add("interop.block_for", block_for, params("seconds", "path"));
  registry.add("interop.wait_at", wait_at, params("gate", "path"));
  registry.add("interop.wait_at_late", wait_at, params("gate", "path"), {.acks_late = true});
  registry.add("interop.kill_worker", kill_worker, params("path"), {.acks_late = true});
  registry.add("interop.retry_until", retry_until, params("tries", param("countdown", 0.0)));
  registry.add("interop.retry_with_cause", retry_with_cause);
  registry.add("interop.fail_at_first", fail_at_first, params(),
               {.autoretry_for = {"OSError"}, .retry_backoff = 1, .retry_backoff_max = 1s});
  registry.add("interop.reject", reject, params("requeue"), {.acks_late = true});
  registry.add("interop.ignore", ignore);
  registry.add("interop.replace_with_add", replace_with_add, params("x", "y"));
  registry.add("interop.survive_soft_limit", survive_soft_limit, params(),
               {.soft_time_limit = 200ms});
  registry.add("interop.progress", progress, params("gate"));
  registry.add("interop.send_add", send_add, params("x", "y"));
  registry.add("interop.send_from_thread", send_from_thread, params("x", "y"));
  registry.add("interop.offload_sum", offload_sum, params("x", "y"));
  registry.add("interop.note", note, params("value", "path"));
  registry.add("interop.limited", note, params("value", "path"), {.rate_limit = "5/s"});
  registry.add("interop.tracked", wait_at, params("gate", "path"), {.track_started = true});
  registry.add("interop.quiet", add, params("x", "y"), {.ignore_result = true});
}
