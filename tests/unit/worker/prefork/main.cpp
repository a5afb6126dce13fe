// Runs the tests, or serves as a child of the pool that they test.
#include <gtest/gtest.h>

#include "tests/unit/worker/prefork/tasks.h"
#include "worker/execution/prefork/child.h"

int main(int argc, char** argv) {
  if (auto descriptor = celeriac::worker::prefork::child_descriptor()) {
    celeriac::Registry registry;
    register_prefork_test_tasks(registry);
    return celeriac::worker::prefork::run_child(*descriptor, registry);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
