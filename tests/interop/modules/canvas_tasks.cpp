// Every composition that Celery has, built and sent by C++ tasks: by one on the loop, and by one
// that blocks in the pool.
#include <celeriac/module.h>

#include <numeric>

namespace {

using celeriac::Async, celeriac::BlockingContext, celeriac::Context, celeriac::Json;
using celeriac::chain, celeriac::chord, celeriac::group, celeriac::Signature;

long add(long x, long y) {
  return x + y;
}
long sum(std::vector<long> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0L);
}
Json echo(Json value) {
  return value;
}
void fail(std::string text) {
  throw celeriac::TaskError("ValueError", text);
}

Signature add_of(long x, long y) {
  return Signature("canvas.add", {x, y});
}
Signature add_to_last(long y) {
  return Signature("canvas.add", {y});
}
Signature sum_of_last() {
  return Signature("canvas.sum");
}

// `followers` are the ids that callbacks get, so that the caller can look at their results.
Signature build(const std::string& kind, const std::vector<std::string>& followers) {
  const auto echo_as = [&](std::size_t i) {
    return Signature("canvas.echo").set("task_id", followers.at(i));
  };
  if (kind == "task") return add_of(2, 3);
  if (kind == "task of another queue") return add_of(2, 3).set("queue", "other");
  if (kind == "chain") return chain({add_of(1, 2), add_to_last(4), add_to_last(10)});
  if (kind == "immutable") return chain({add_of(1, 2), add_of(5, 5).set_immutable(true)});
  if (kind == "group") return group({add_of(1, 1), add_of(2, 2)});
  if (kind == "chord") return chord({add_of(1, 1), add_of(2, 2)}, sum_of_last());
  if (kind == "chain with a group") {
    return chain({add_of(1, 1), group({chain({add_to_last(1), add_to_last(2)}), add_to_last(3)}),
                  sum_of_last(), add_to_last(100)});
  }
  if (kind == "group with chords") {
    return group({chord({add_of(1, 1), add_of(2, 2)}, sum_of_last()),
                  chain({add_of(3, 3), add_to_last(4)})});
  }
  if (kind == "chord of chords") {
    const Signature inner = chord({add_of(1, 1), add_of(2, 2)}, sum_of_last());
    return chord({inner, inner}, chain({sum_of_last(), add_to_last(1)}));
  }
  if (kind == "chord with a group") {
    const Signature nested = chain({add_of(1, 1), group({add_to_last(1), add_to_last(2)})});
    return chord({nested, add_of(4, 4)}, Signature("canvas.echo"));
  }
  if (kind == "link") return add_of(2, 3).link(echo_as(0)).link(echo_as(1));
  if (kind == "link_error") return Signature("canvas.fail", {"boom"}).link_error(echo_as(0));
  if (kind == "link_error of a chain") {
    return chain({add_of(1, 2), Signature("canvas.fail", {"boom"}).set_immutable(true)})
        .link_error(echo_as(0));
  }
  throw celeriac::ArgumentError("no such composition: " + kind);
}

using Followers = std::vector<std::string>;

Async<celeriac::SentTask> send(Context& ctx, std::string kind, Followers followers) {
  Signature signature = build(kind, followers);
  co_return co_await ctx.send(std::move(signature));
}
celeriac::SentTask send_from_pool(BlockingContext& ctx, std::string kind, Followers followers) {
  return ctx.send(build(kind, followers));
}

Async<void> replace(Context& ctx, std::string kind) {
  throw ctx.replace(build(kind, {}));
  co_return;
}
void replace_from_pool(BlockingContext& ctx, std::string kind) {
  throw ctx.replace(build(kind, {}));
}

Async<long> grow_chord(Context& ctx, long value) {
  Signature addition = add_of(value, 10);
  co_await ctx.add_to_chord(std::move(addition));
  co_return value;
}
long grow_chord_from_pool(BlockingContext& ctx, long value) {
  ctx.add_to_chord(add_of(value, 10));
  return value;
}

// Waits for what it sent, and catches its failure.
Async<Json> send_and_wait(Context& ctx, std::string kind) {
  Signature signature = build(kind, {ctx.request().id + "-follower"});
  const celeriac::SentTask sent = co_await ctx.send(std::move(signature));
  Json outcome;
  try {
    outcome = co_await ctx.wait_result(sent.id, std::chrono::seconds(60));
  } catch (const celeriac::TaskError& error) {
    outcome = Json(error.what());
  }
  co_return outcome;
}

}  // namespace

CELERIAC_MODULE(registry) {
  using celeriac::param, celeriac::params;
  registry.add("canvas.add", add, params("x", "y"));
  registry.add("canvas.sum", sum, params("numbers"));
  registry.add("canvas.echo", echo, params("value"));
  registry.add("canvas.fail", fail, params("text"));
  registry.add("canvas.send", send, params("kind", param("followers", Followers())));
  registry.add("canvas.send_from_pool", send_from_pool,
               params("kind", param("followers", Followers())));
  registry.add("canvas.replace", replace, params("kind"));
  registry.add("canvas.replace_from_pool", replace_from_pool, params("kind"));
  registry.add("canvas.grow_chord", grow_chord, params("value"));
  registry.add("canvas.grow_chord_from_pool", grow_chord_from_pool, params("value"));
  registry.add("canvas.send_and_wait", send_and_wait, params("kind"));
}
