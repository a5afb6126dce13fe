#include <celeriac/testing.h>
#include <gtest/gtest.h>

namespace celeriac {
namespace {

using namespace std::chrono_literals;

Async<std::string> page(Context& ctx, std::string url) {
  auto known = co_await ctx.redis().command("GET", url);
  if (!known.is_nil()) co_return known.string();
  try {
    auto answer = co_await ctx.http().get(url);
    co_await ctx.redis().command("SET", url, answer.body);
    co_return answer.body;
  } catch (const HttpError& error) {
    throw ctx.retry({.countdown = 5s, .reason = error.what()});
  }
}

Async<long> wait_and_ask(Context& ctx) {
  co_await ctx.sleep(90s);
  auto sent = co_await ctx.send(Signature("tasks.count"));
  const Json count = co_await ctx.wait_result(sent.id, 10s);
  co_return count.as_int().value_or(0);
}

long count_up(BlockingContext& ctx, long to) {
  long i = 0;
  while (i < to && !ctx.stop_requested()) ctx.update_state("PROGRESS", ++i);
  return i;
}

Registry tasks() {
  Registry registry;
  registry.add("tasks.page", page, params("url"));
  registry.add("tasks.wait_and_ask", wait_and_ask);
  registry.add("tasks.count_up", count_up, params("to"));
  return registry;
}

TEST(FakeContext, AnswersForHttpAndRedis) {
  fake::Context ctx;
  ctx.web.answer = [](const HttpRequest& request) {
    return HttpResponse{200, {}, "page of " + request.url};
  };
  EXPECT_EQ(fake::call(tasks(), "tasks.page", ctx, {"http://x/"}), Json("page of http://x/"));
  EXPECT_EQ(ctx.store.commands,
            (std::vector<fake::Redis::Command>{{"GET", "http://x/"},
                                               {"SET", "http://x/", "page of http://x/"}}));
  ctx.store.answer = [](const fake::Redis::Command&) { return RedisReply("kept"); };
  EXPECT_EQ(fake::call(tasks(), "tasks.page", ctx, {"http://x/"}), Json("kept"));
}

TEST(FakeContext, PassesOnWhatTheTaskThrows) {
  fake::Context ctx;
  try {
    fake::call(tasks(), "tasks.page", ctx, {"http://x/"});
    FAIL() << "no retry";
  } catch (const Retry& retry) {
    EXPECT_EQ(retry.options.countdown, 5s);
    EXPECT_EQ(retry.options.reason, "no answer is planned for GET http://x/");
  }
  EXPECT_THROW(fake::call(tasks(), "tasks.page", ctx), ArgumentError);
}

TEST(FakeContext, MovesItsClockAndKnowsWhatWasSent) {
  fake::Context ctx;
  ctx.results["sent-1"] = 7;
  const auto before = ctx.now();
  EXPECT_EQ(fake::call(tasks(), "tasks.wait_and_ask", ctx), Json(7));
  EXPECT_EQ(ctx.now() - before, 90s);
  ASSERT_EQ(ctx.sent.size(), 1);
  EXPECT_EQ(ctx.sent[0].task(), "tasks.count");
}

TEST(FakeContext, StopsATaskThatSleeps) {
  fake::Context ctx;
  ctx.on_sleep = [] { throw Timeout("enough"); };
  EXPECT_THROW(fake::call(tasks(), "tasks.wait_and_ask", ctx), Timeout);
}

TEST(FakeBlockingContext, CallsAPlainFunction) {
  fake::BlockingContext ctx;
  EXPECT_EQ(fake::call(tasks(), "tasks.count_up", ctx, {2}), Json(2));
  EXPECT_EQ(ctx.states.size(), 2);
  ctx.stop = true;
  EXPECT_EQ(fake::call(tasks(), "tasks.count_up", ctx, {2}), Json(0));
}

TEST(FakeContext, SaysWhichTaskIsNotThere) {
  fake::Context ctx;
  EXPECT_THROW(fake::call(tasks(), "tasks.none", ctx), std::logic_error);
}

}  // namespace
}  // namespace celeriac
