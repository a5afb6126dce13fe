#include <celeriac/module.h>

namespace {
long add(long x, long y) {
  return x + y;
}
}  // namespace

CELERIAC_MODULE(registry) {
  registry.add("good.add", add, celeriac::params("x", "y"));
}
