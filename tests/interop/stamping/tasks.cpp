// Tasks that tell what of their stamps reached them: each appends one JSON line to the Redis list
// `stamps` before it does anything else.

#include <celeriac/module.h>

#include <string>
#include <utility>

using celeriac::Async;
using celeriac::Context;
using celeriac::Json;
using celeriac::JsonObject;
using celeriac::param;
using celeriac::params;
using celeriac::Signature;
using celeriac::TaskError;

namespace {

Async<void> record(Context& ctx) {
  const celeriac::Request& request = ctx.request();
  const Json line = Json::object({{"task", request.task},
                                  {"retries", request.retries},
                                  {"stamped_headers", Json::Array(request.stamped_headers.begin(),
                                                                  request.stamped_headers.end())},
                                  {"stamps", request.stamps},
                                  {"callbacks", request.callbacks},
                                  {"errbacks", request.errbacks}});
  std::string text = dump_json(line);
  co_await ctx.redis().command("RPUSH", "stamps", text);
}

Async<Json> identity(Context& ctx, Json x) {
  co_await record(ctx);
  co_return x;
}
Async<std::int64_t> add(Context& ctx, std::int64_t x, std::int64_t y) {
  co_await record(ctx);
  co_return x + y;
}
Async<std::int64_t> total(Context& ctx, std::vector<std::int64_t> numbers) {
  co_await record(ctx);
  std::int64_t sum = 0;
  for (std::int64_t number : numbers) sum += number;
  co_return sum;
}
Async<void> fail(Context& ctx) {
  co_await record(ctx);
  throw TaskError("ValueError", "this task fails");
}
Async<std::int64_t> retry_once(Context& ctx) {
  co_await record(ctx);
  if (ctx.request().retries == 0) throw ctx.retry({.countdown = std::chrono::seconds(0)});
  co_return ctx.request().retries;
}
// Replaced by `identity` with a stamp of its own.
Async<void> replaced(Context& ctx, Json x) {
  co_await record(ctx);
  Signature with("stamping.identity", {std::move(x)});
  with.set("stamped_headers", Json::array({"on_replace"}));
  with.set("on_replace", "yes");
  throw ctx.replace(std::move(with));
}

}  // namespace

CELERIAC_MODULE(registry) {
  registry.add("stamping.identity", identity, params("x"));
  registry.add("stamping.add", add, params("x", "y"));
  registry.add("stamping.total", total, params("numbers"));
  registry.add("stamping.fail", fail);
  registry.add("stamping.retry_once", retry_once);
  registry.add("stamping.replaced", replaced, params("x"));
}
