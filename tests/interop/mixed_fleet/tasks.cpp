// The tasks of a mixed fleet, for its C++ workers. fleet_tasks.py has the same for Python: whoever
// gets a message does the same with it, and leaves the same record in Redis.
#include <celeriac/module.h>

#include <string>
#include <vector>

using celeriac::Async;
using celeriac::Context;
using celeriac::Json;
using celeriac::param;
using celeriac::params;
using celeriac::Signature;

namespace {

using namespace std::chrono_literals;

Async<void> record(Context& ctx, Json flow) {
  const celeriac::Request& request = ctx.request();
  const Json line = Json::object({{"where", "native"},
                                  {"task", request.task},
                                  {"id", request.id},
                                  {"retries", request.retries},
                                  {"redelivered", request.delivery_info.redelivered},
                                  {"flow", std::move(flow)}});
  std::string text = dump_json(line);
  co_await ctx.redis().command("RPUSH", "ran", text);
}

std::int64_t sum(const Json& numbers) {
  std::int64_t total = numbers.as_int().value_or(0);
  if (const Json::Array* members = numbers.as_array()) {
    for (const Json& member : *members) total += sum(member);
  }
  return total;
}

Async<std::int64_t> add(Context& ctx, std::int64_t x, std::int64_t y, Json flow) {
  co_await record(ctx, std::move(flow));
  co_return x + y;
}

// Of numbers, and of lists of them.
Async<std::int64_t> total(Context& ctx, Json numbers, Json flow) {
  co_await record(ctx, std::move(flow));
  co_return sum(numbers);
}

Async<Json> echo(Context& ctx, Json value, Json flow) {
  co_await record(ctx, std::move(flow));
  co_return value;
}

Async<void> fail(Context& ctx, std::string text, Json flow) {
  co_await record(ctx, std::move(flow));
  throw celeriac::TaskError("ValueError", text);
}

Async<std::int64_t> retry(Context& ctx, std::int64_t x, std::int64_t times, Json flow) {
  co_await record(ctx, std::move(flow));
  if (ctx.request().retries < times) throw ctx.retry({.countdown = 50ms, .max_retries = times});
  co_return x;
}

// Until somebody pushes to the list `gate`.
Async<std::int64_t> wait(Context& ctx, std::int64_t x, std::string gate, Json flow) {
  co_await record(ctx, std::move(flow));
  for (;;) {
    const celeriac::RedisReply opened = co_await ctx.redis().command("EXISTS", gate);
    if (opened.integer() == 1) co_return x;
    co_await ctx.sleep(10ms);
  }
}

// Replaced by a chord that adds 0, 1, 2 … to x, in these queues in turn, and sums up in the first.
Async<void> spread(Context& ctx, std::int64_t x, std::int64_t parts,
                   std::vector<std::string> queues, Json flow) {
  co_await record(ctx, flow);
  std::vector<Signature> header;
  for (std::int64_t i = 0; i < parts; ++i) {
    Signature part("fleet.add", {x, i}, {{"flow", flow}});
    part.set("queue", queues[static_cast<std::size_t>(i) % queues.size()]);
    header.push_back(std::move(part));
  }
  Signature body("fleet.total", {}, {{"flow", flow}});
  body.set("queue", queues.front());
  Signature whole = celeriac::chord(std::move(header), std::move(body));
  throw ctx.replace(std::move(whole));
}

// An error callback of the old style: it is told the id of what failed.
Async<std::string> note(Context& ctx, std::string failed_id) {
  co_await record(ctx, failed_id);
  co_return failed_id;
}

}  // namespace

CELERIAC_MODULE(registry) {
  const celeriac::TaskOptions late{.acks_late = true};
  const auto flow = param("flow", nullptr);
  registry.add("fleet.add", add, params("x", "y", flow), late);
  registry.add("fleet.total", total, params("numbers", flow), late);
  registry.add("fleet.echo", echo, params("value", flow), late);
  registry.add("fleet.fail", fail, params("text", flow), late);
  registry.add("fleet.retry", retry, params("x", "times", flow), late);
  registry.add("fleet.wait", wait, params("x", "gate", flow), late);
  registry.add("fleet.spread", spread, params("x", "parts", "queues", flow), late);
  registry.add("fleet.note", note, params("failed_id"), late);
}
