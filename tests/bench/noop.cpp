// Tasks that do nothing, for tests/bench/drain.
#include <celeriac/async.h>
#include <celeriac/context.h>
#include <celeriac/module.h>

namespace {

celeriac::Async<void> on_loop(celeriac::Context&) {
  co_return;
}

void on_pool() {}

}  // namespace

CELERIAC_MODULE(registry) {
  registry.add("bench.noop", on_loop, celeriac::params(), {.ignore_result = true});
  registry.add("bench.noop_on_pool", on_pool, celeriac::params(), {.ignore_result = true});
}
