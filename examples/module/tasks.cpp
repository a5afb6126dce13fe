// Tasks that the stock worker loads: `celeriac worker -A ./news_tasks.so`.
//
// From Python, nothing changes:
//
//   app.send_task("news.summarize", ["https://example.org/"], {"max_words": 10}).get()
#include <celeriac/module.h>

#include <sstream>

namespace {

using namespace std::chrono_literals;

// A plain function may block or burn CPU: it runs on the thread pool.
long add(long x, long y) {
  return x + y;
}

std::string first_words(const std::string& text, int count) {
  std::istringstream words(text);
  std::string summary, word;
  for (int i = 0; i < count && words >> word; ++i) summary += (i > 0 ? " " : "") + word;
  return summary;
}

// A coroutine runs on the event loop and waits only with co_await.
celeriac::Async<std::string> summarize(celeriac::Context& ctx, std::string url, int max_words) {
  try {
    auto page = co_await ctx.http().get(url);
    auto text = first_words(page.body, max_words);
    co_await ctx.redis().command("SETEX", "summary:" + url, "3600", text);
    co_return text;
  } catch (const celeriac::HttpError& error) {
    throw ctx.retry({.countdown = 30s, .reason = error.what()});
  }
}

}  // namespace

CELERIAC_MODULE(registry) {
  using celeriac::param, celeriac::params;
  registry.add("tasks.add", add, params("x", "y"));
  registry.add("news.summarize", summarize, params("url", param("max_words", 50)),
               {.rate_limit = "10/m",
                .max_retries = 5,
                .acks_late = true,
                .soft_time_limit = 20s,
                .time_limit = 30s});
}
