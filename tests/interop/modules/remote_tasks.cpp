// Tasks for the tests of events and remote control.
#include <celeriac/module.h>

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
}
