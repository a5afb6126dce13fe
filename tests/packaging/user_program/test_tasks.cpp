#include <celeriac/testing.h>

#undef NDEBUG
#include <cassert>

extern "C" void celeriac_register_tasks(celeriac::Registry&);  // made by CELERIAC_MODULE

int main() {
  celeriac::Registry registry;
  celeriac_register_tasks(registry);
  celeriac::fake::BlockingContext blocking;
  assert(celeriac::fake::call(registry, "user.add", blocking, {2, 3}) == celeriac::Json(5));
  celeriac::fake::Context ctx;
  assert(celeriac::fake::call(registry, "user.greet", ctx, {"you"}) == celeriac::Json("hello you"));
  assert(ctx.store.commands.back()[2] == "you");
}
