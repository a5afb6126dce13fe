#include "worker/cli/module_loader.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

std::string refusal(const std::string& path) {
  Registry registry;
  try {
    load_module(path, registry);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ModuleLoader, RegistersTheTasksOfAModule) {
  Registry registry;
  load_module(TEST_good_module, registry);
  ASSERT_NE(registry.find("good.add"), nullptr);
  EXPECT_EQ(registry.find("good.add")->parameters.size(), 2u);
}

TEST(ModuleLoader, NamesTheModuleWhoseTaskIsTaken) {
  Registry registry;
  load_module(TEST_good_module, registry);
  try {
    load_module(TEST_good_module, registry);
    FAIL() << "it was registered twice";
  } catch (const ConfigError& error) {
    EXPECT_TRUE(contains(error.what(), "good_module.so")) << error.what();
    EXPECT_TRUE(contains(error.what(), "good.add")) << error.what();
  }
}

TEST(ModuleLoader, RefusesAnotherAbi) {
  EXPECT_TRUE(contains(refusal(TEST_other_abi_module), "build it again"));
}

TEST(ModuleLoader, RefusesASharedObjectThatIsNoModule) {
  EXPECT_TRUE(contains(refusal(TEST_no_module), "CELERIAC_MODULE(registry)"));
}

TEST(ModuleLoader, SaysWhyAFileCannotBeLoaded) {
  EXPECT_TRUE(contains(refusal("./missing.so"), "cannot open shared object file"));
}

TEST(ModuleLoader, ExplainsThatAPythonApplicationIsNoModule) {
  EXPECT_TRUE(contains(refusal("proj"), "not a Python application"));
}

}  // namespace
}  // namespace celeriac::worker
