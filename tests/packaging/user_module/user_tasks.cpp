#include <celeriac/context.h>
#include <celeriac/module.h>

namespace {
long add(long x, long y) {
  return x + y;
}

celeriac::Async<std::string> greet(celeriac::Context& ctx, std::string name) {
  co_await ctx.redis().command("SET", "greeted", name);
  co_return "hello " + name;
}
}  // namespace

CELERIAC_MODULE(registry) {
  using celeriac::params;
  registry.add("user.add", add, params("x", "y"));
  registry.add("user.greet", greet, params("name"));
}
