#include "worker/cli/stubs/python_names.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

Registry registry_of(const std::vector<std::string>& names) {
  Registry registry;
  for (const std::string& name : names) registry.add(name, [] {});
  return registry;
}

// "path class", with a * behind it if the last part alone is a name too.
std::vector<std::string> places(const std::vector<std::string>& names) {
  const Registry registry = registry_of(names);
  std::vector<std::string> found;
  for (const PlacedTask& placed : place_in_python(registry.tasks())) {
    std::string text;
    for (const std::string& part : placed.path) text += (text.empty() ? "" : ".") + part;
    found.push_back(text + " " + placed.class_name + (placed.has_short_name ? "*" : ""));
  }
  return found;
}
using Places = std::vector<std::string>;

std::string refusal(const Registry& registry) {
  try {
    place_in_python(registry.tasks());
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST(PythonNames, FollowTheDotsOfTheTasksName) {
  EXPECT_EQ(places({"news.site.title", "ping", "tasks.add"}),
            (Places{"news.site.title _news_site_title*", "ping _ping", "tasks.add _tasks_add*"}));
}

TEST(PythonNames, AreShortOnlyWhereOneTaskEndsSo) {
  EXPECT_EQ(places({"math.add", "tasks.add", "tasks.math"}),
            (Places{"math.add _math_add", "tasks.add _tasks_add", "tasks.math _tasks_math"}));
}

TEST(PythonNames, MakeIdentifiersOfWhatIsNone) {
  EXPECT_EQ(places({"1st", "a..b", "my-app.do it", "tasks.__init", "tasks.class"}),
            (Places{"_1st __1st", "a._.b _a___b*", "my_app.do_it _my_app_do_it*",
                    "tasks._init _tasks__init*", "tasks.class_ _tasks_class_*"}));
}

TEST(PythonNames, LeaveTheModulesOwnNamesAlone) {
  EXPECT_EQ(places({"celery.add", "int", "tasks.list"}),
            (Places{"celery_.add _celery__add*", "int_ _int_", "tasks.list _tasks_list"}));
}

TEST(PythonNames, KeepATaskApartFromTheNamespaceOfItsName) {
  EXPECT_EQ(places({"a", "a.b", "a.b.c"}), (Places{"a _a", "a_.b _a__b*", "a_.b_.c _a__b__c*"}));
}

TEST(PythonNames, GiveEachTaskAClassOfItsOwn) {
  EXPECT_EQ(places({"_a_b.x", "a.b", "a_b"}),
            (Places{"_a_b.x __a_b_x*", "a.b _a_b_*", "a_b _a_b__"}));
}

TEST(PythonNames, RefuseTwoTasksOfOneName) {
  EXPECT_EQ(refusal(registry_of({"tasks.my-add", "tasks.my_add"})),
            "tasks 'tasks.my-add' and 'tasks.my_add' would both be tasks.my_add in Python; "
            "register one of them under another name");
}

TEST(PythonNames, RefuseParametersThatPythonCannotName) {
  const auto refused = [](const char* name) {
    Registry registry;
    registry.add(
        "mail.send", [](int) {}, params(name));
    return refusal(registry);
  };
  EXPECT_EQ(refused("from"),
            "task 'mail.send': Python cannot name a parameter 'from'; give it another name in "
            "params(...), such as 'from_'");
  EXPECT_NE(refused("self").find("'self_'"), std::string::npos);
  EXPECT_NE(refused("a-b").find("'a_b'"), std::string::npos);
  EXPECT_NE(refused("__x").find("'_x'"), std::string::npos);
  EXPECT_EQ(refused("match"), "none");
}

}  // namespace
}  // namespace celeriac::worker
