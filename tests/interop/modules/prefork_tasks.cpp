// Plain functions for the tests of -P prefork.
#include <celeriac/module.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace {

using namespace std::chrono_literals;

long process_id() {
  return getpid();
}
long add(long x, long y) {
  return x + y;
}
long crash() {
  std::abort();
}

// Kills the process the first time; the file tells the second run that it is one.
long crash_once(std::string path) {
  if (std::ifstream(path).good()) return 1;
  std::ofstream(path) << "seen\n";
  std::abort();
}

long hang() {
  for (;;) pause();
}

std::string stop_in_time(celeriac::BlockingContext& ctx) {
  while (!ctx.stop_requested()) usleep(1000);
  return "stopped";
}

std::string report(celeriac::BlockingContext& ctx) {
  ctx.log().info("halfway there");
  ctx.update_state("PROGRESS", celeriac::Json::object({{"done", 50}}));
  return ctx.send(celeriac::Signature("prefork.add", {20, 22})).id;
}

}  // namespace

CELERIAC_MODULE(registry) {
  using celeriac::params;
  registry.add("prefork.pid", process_id);
  registry.add("prefork.add", add, params("x", "y"));
  registry.add("prefork.crash", crash);
  registry.add("prefork.crash_once", crash_once, params("path"),
               {.acks_late = true, .reject_on_worker_lost = true});
  registry.add("prefork.poison", crash, params(),
               {.acks_late = true, .reject_on_worker_lost = true});
  registry.add("prefork.hang", hang, celeriac::TaskOptions{.time_limit = 300ms});
  registry.add("prefork.stop_in_time", stop_in_time,
               celeriac::TaskOptions{.soft_time_limit = 100ms});
  registry.add("prefork.report", report);
}
