#include "worker/cli/stubs/python_module.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

// What is written behind the part that is the same for all tasks.
std::string written(const Registry& registry) {
  const std::string text = python_module(registry.tasks());
  const std::string_view last = "return f\"<task {self.name}>\"\n";
  return text.substr(text.find(last) + last.size());
}

long add(long x, long y) {
  return x + y;
}

TEST(PythonModule, HasAClassForEachTaskThatKnowsItsArgumentsAndResult) {
  Registry registry;
  registry.add("tasks.add", add, params("x", param("y", 2)), {.description = "Adds numbers."});
  EXPECT_EQ(written(registry), R"PYTHON(

class _tasks_add(Task["int"]):
    """Adds numbers."""

    if TYPE_CHECKING:

        def delay(self, x: int, y: int = 2) -> Result[int]:
            """Adds numbers."""

        @overload
        def s(self, x: int, y: int = 2) -> Signature[int]: ...
        @overload
        def s(self, y: int = 2) -> Signature[int]: ...
        def s(self, *args: Any, **kwargs: Any) -> Signature[int]: ...
        def si(self, x: int, y: int = 2) -> Signature[int]: ...
        _Rest = TypedDict("_Rest", {"x": int, "y": int}, total=False)
        _All = TypedDict("_All", {"x": int, "y": NotRequired[int]})
        @overload
        def apply_async(self, args: tuple[int] | tuple[int, int] | list[Any], kwargs: _Rest | None = None, **options: Unpack[Options]) -> Result[int]: ...
        @overload
        def apply_async(self, args: tuple[()] | None, kwargs: _All, **options: Unpack[Options]) -> Result[int]: ...
        @overload
        def apply_async(self, *, kwargs: _All, **options: Unpack[Options]) -> Result[int]: ...
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Result[int]: ...


class tasks:
    add = _tasks_add("tasks.add", lambda x, y=None: None)


add = tasks.add
)PYTHON");
}

std::string shown(Json fallback) {
  Registry registry;
  registry.add(
      "f", [](Json) {}, params(param("x", std::move(fallback))));
  const std::string text = written(registry);
  const std::string before = "x: Any = ";
  const std::size_t begin = text.find(before) + before.size();
  return text.substr(begin, text.find(") -> ", begin) - begin);
}

TEST(PythonModule, WritesDefaultsAsLiterals) {
  EXPECT_EQ(shown(nullptr), "None");
  EXPECT_EQ(shown(true), "True");
  EXPECT_EQ(shown(-3), "-3");
  EXPECT_EQ(shown(1.5), "1.5");
  EXPECT_EQ(shown("a\"b\\\n\x7fü"), "\"a\\\"b\\\\\\x0a\x7fü\"");
  EXPECT_EQ(shown(Json::array()), "[]");
  EXPECT_EQ(shown(Json::object()), "{}");
  EXPECT_EQ(shown(Json::array({1})), "...");
  EXPECT_EQ(shown(std::numeric_limits<double>::infinity()), "...");
}

}  // namespace
}  // namespace celeriac::worker
