// A worker program of one's own, without a module: `shapes worker -b amqp://… -c 4`.
#include <celeriac/registry.h>
#include <celeriac/worker.h>

#include <cmath>
#include <numbers>

namespace {

double circle(double radius) {
  if (radius < 0) throw std::invalid_argument("a radius is not negative");
  return std::numbers::pi * radius * radius;
}

// Sends a task for each radius and waits for all of them, without holding a thread.
celeriac::Async<double> circles(celeriac::Context& ctx, std::vector<double> radii) {
  std::vector<std::string> ids;
  for (double radius : radii) {
    celeriac::Json::Array args(1, radius);
    auto sent = co_await ctx.send(celeriac::Signature("shapes.circle", args));
    ids.push_back(sent.id);
  }
  double sum = 0;
  for (const std::string& id : ids) {
    const celeriac::Json area = co_await ctx.wait_result(id, std::chrono::seconds(10));
    sum += area.as_double().value_or(0);
  }
  co_return sum;
}

void register_tasks(celeriac::Registry& registry) {
  registry.add("shapes.circle", circle, celeriac::params("radius"));
  registry.add("shapes.circles", circles, celeriac::params("radii"));
}

}  // namespace

int main(int argc, char** argv) {
  return celeriac::run_worker(argc, argv, register_tasks);
}
