// Tasks for the tests of events and remote control.
#include <celeriac/module.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

long add(long x, long y) {
  return x + y;
}

celeriac::Async<std::string> sleep_for(celeriac::Context& ctx, double seconds) {
  co_await ctx.sleep(std::chrono::duration<double>(seconds));
  co_return "slept";
}

long fail(std::string text) {
  throw celeriac::TaskError("ValueError", text);
}

long reject(bool requeue) {
  throw celeriac::Reject{"no", requeue};
}

// Logs before and after an await, with the loop's other tasks in between.
celeriac::Async<void> say(celeriac::Context& ctx, std::string text) {
  ctx.log().info(text + " begins");
  co_await ctx.sleep(10ms);
  ctx.log().warning(text + " ends");
}

void say_in_pool(celeriac::BlockingContext& ctx, std::string text) {
  ctx.log().info(text);
}

// Until its process is ended.
void wait_in_pool() {
  for (;;) pause();
}

celeriac::Async<long> retry_once(celeriac::Context& ctx) {
  if (ctx.request().retries == 0) {
    celeriac::RetryOptions options;
    options.countdown = 0s;
    throw ctx.retry(std::move(options));
  }
  co_return ctx.request().retries;
}

}  // namespace

CELERIAC_MODULE(registry) {
  using celeriac::params;
  registry.add("remote.add", add, params("x", "y"));
  registry.add("remote.sleep", sleep_for, params("seconds"));
  registry.add("remote.limited", add, params("x", "y"), {.rate_limit = "2/s"});
  registry.add("remote.fail", fail, params("text"));
  registry.add("remote.retry_once", retry_once);
  registry.add("remote.say", say, params("text"));
  registry.add("remote.say_in_pool", say_in_pool, params("text"));
  registry.add("remote.wait_in_pool", wait_in_pool);
  registry.add("remote.wait_late", wait_in_pool, params(), {.acks_late = true});
  registry.add("remote.reject", reject, params("requeue"), {.acks_late = true});
  registry.add("remote.muted", add, params("x", "y"), {.send_events = false});
}
