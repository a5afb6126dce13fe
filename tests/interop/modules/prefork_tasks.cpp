// Plain functions for the tests of -P prefork.
#include <celeriac/module.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <list>
#include <vector>

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

// Ends by a signal as the kernel sends it, whatever a sanitizer has installed for it.
void die(int number) {
  ::signal(number, SIG_DFL);
  ::raise(number);
}
void leave(int code) {
  _exit(code);
}

long wait_at(celeriac::BlockingContext& ctx, std::string gate, std::string marks) {
  std::ofstream(marks, std::ios::app) << "started " << ctx.request().id << std::endl;
  while (!std::ifstream(gate).good()) usleep(1000);
  return getpid();
}

// Holds memory that is really used, for good.
void hold(int mebibytes) {
  static std::list<std::vector<char>> held;
  held.emplace_back(static_cast<std::size_t>(mebibytes) << 20, 'x');
}
long grow(int mebibytes) {
  hold(mebibytes);
  return getpid();
}
celeriac::Async<long> grow_the_worker(celeriac::Context&, int mebibytes) {
  hold(mebibytes);
  co_return getpid();
}

long hang() {
  for (;;) pause();
}

// Only SIGKILL ends it.
long ignore_signals() {
  for (int number = 1; number < SIGRTMIN; ++number) ::signal(number, SIG_IGN);
  for (;;) pause();
}

// Whether a variable of the environment is set.
bool has_variable(std::string name) {
  return std::getenv(name.c_str()) != nullptr;
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
  registry.add("prefork.die", die, params("signal"));
  registry.add("prefork.die_late", die, params("signal"), {.acks_late = true});
  registry.add("prefork.leave", leave, params("code"));
  registry.add("prefork.wait_at", wait_at, params("gate", "marks"));
  registry.add("prefork.grow", grow, params("mebibytes"));
  registry.add("prefork.grow_the_worker", grow_the_worker, params("mebibytes"));
  registry.add("prefork.hang", hang, celeriac::TaskOptions{.time_limit = 300ms});
  registry.add("prefork.ignore_signals", ignore_signals,
               celeriac::TaskOptions{.time_limit = 300ms});
  registry.add("prefork.has_variable", has_variable, params("name"));
  registry.add("prefork.stop_in_time", stop_in_time,
               celeriac::TaskOptions{.soft_time_limit = 100ms});
  registry.add("prefork.report", report);
}
