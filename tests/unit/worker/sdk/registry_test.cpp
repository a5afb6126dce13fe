#include <celeriac/registry.h>
#include <gtest/gtest.h>

namespace celeriac {
namespace {

// A plain function needs no context to be called here.
class NoContext final : public BlockingContext {
 public:
  const Request& request() const override { return request_; }
  TaskLogger& log() override { std::abort(); }
  bool stop_requested() const override { return false; }
  void update_state(std::string, Json) override {}
  SentTask send(Signature) override { return {}; }
  void add_to_chord(Signature) override {}

 private:
  Request request_;
};

long area(long width, long height) {
  return width * height;
}

Json call(const Registry& registry, std::string_view task, Json::Array args,
          JsonObject kwargs = {}) {
  NoContext context;
  const auto& body = std::get<TaskDefinition::Function>(registry.find(task)->body);
  return body(context, std::move(args), std::move(kwargs));
}

// What Python would say to the same call.
std::string complaint(Json::Array args, JsonObject kwargs = {}) {
  Registry registry;
  registry.add("shapes.area", area, params("width", param("height", 2)));
  try {
    call(registry, "shapes.area", std::move(args), std::move(kwargs));
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "none";
}

std::string complaint_of_three(Json::Array args) {
  Registry registry;
  registry.add(
      "f", [](int a, int b, int c) { return a + b + c; }, params("a", "b", "c"));
  try {
    call(registry, "f", std::move(args));
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "none";
}

TEST(Registry, BindsPositionalAndKeywordArguments) {
  Registry registry;
  registry.add("area", area, params("width", param("height", 2)));
  EXPECT_EQ(call(registry, "area", {3, 4}), Json(12));
  EXPECT_EQ(call(registry, "area", {3}), Json(6));
  EXPECT_EQ(call(registry, "area", {3}, {{"height", 5}}), Json(15));
  EXPECT_EQ(call(registry, "area", {}, {{"height", 5}, {"width", 2}}), Json(10));
}

TEST(Registry, ComplainsOfArgumentsInPythonsWords) {
  EXPECT_EQ(complaint({}), "area() missing 1 required positional argument: 'width'");
  EXPECT_EQ(complaint({1, 2, 3}), "area() takes from 1 to 2 positional arguments but 3 were given");
  EXPECT_EQ(complaint({1}, {{"depth", 1}}), "area() got an unexpected keyword argument 'depth'");
  EXPECT_EQ(complaint({1}, {{"width", 1}}), "area() got multiple values for argument 'width'");
  EXPECT_EQ(complaint({"a"}), "area() argument 'width' must be int, not str");
  EXPECT_EQ(complaint_of_three({}),
            "f() missing 3 required positional arguments: 'a', 'b', and 'c'");
  EXPECT_EQ(complaint_of_three({1}), "f() missing 2 required positional arguments: 'b' and 'c'");
  EXPECT_EQ(complaint_of_three({1, 2, 3, 4}), "f() takes 3 positional arguments but 4 were given");
}

TEST(Registry, ComplainsOfASurplusForAFunctionWithoutParameters) {
  Registry registry;
  registry.add("ping", [] { return "pong"; });
  EXPECT_EQ(call(registry, "ping", {}), Json("pong"));
  try {
    call(registry, "ping", {1});
    FAIL();
  } catch (const ArgumentError& error) {
    EXPECT_STREQ(error.what(), "ping() takes 0 positional arguments but 1 was given");
  }
}

TEST(Registry, GivesNullForAFunctionThatReturnsNothing) {
  Registry registry;
  registry.add("quiet", [] {});
  EXPECT_EQ(call(registry, "quiet", {}), Json());
}

TEST(Registry, DescribesParametersForStubs) {
  Registry registry;
  registry.add("area", area, params("width", param("height", 2)), {.description = "An area"});
  const TaskDefinition& task = *registry.find("area");
  ASSERT_EQ(task.parameters.size(), 2u);
  EXPECT_EQ(task.parameters[0].name, "width");
  EXPECT_EQ(task.parameters[0].type, "int");
  EXPECT_FALSE(task.parameters[0].fallback);
  EXPECT_EQ(task.parameters[1].fallback, Json(2));
  EXPECT_EQ(task.returns, "int");
  EXPECT_FALSE(task.is_coroutine());
}

TEST(Registry, RefusesANameThatIsTaken) {
  Registry registry;
  registry.add("area", area, params("a", "b"));
  EXPECT_THROW(registry.add("area", area, params("a", "b")), ConfigError);
}

TEST(Registry, RefusesOptionsThatCannotHold) {
  using namespace std::chrono_literals;
  Registry registry;
  EXPECT_THROW(registry.add("a", area, params("x", "y"), {.soft_time_limit = 3s, .time_limit = 2s}),
               ConfigError);
  EXPECT_THROW(registry.add("b", area, params(param("x", 1), "y")), ConfigError);
  EXPECT_THROW(registry.add("c", area, params("x", "x")), ConfigError);
}

TEST(RateLimit, TakesANumberWithAUnit) {
  EXPECT_TRUE(RateLimit::is_valid("10/m"));
  EXPECT_TRUE(RateLimit::is_valid("0.5/h"));
  EXPECT_TRUE(RateLimit::is_valid("5"));
  EXPECT_FALSE(RateLimit::is_valid("10/q"));
  EXPECT_FALSE(RateLimit::is_valid("/m"));
  EXPECT_FALSE(RateLimit::is_valid("1.2.3"));
}

TEST(TaskError, SaysItsTypeAndText) {
  EXPECT_STREQ(TaskError("ValueError", "boom").what(), "ValueError: boom");
  EXPECT_STREQ(TaskError("KeyError", Json::Array{1, "x"}).what(), "KeyError: (1, 'x')");
}

}  // namespace
}  // namespace celeriac
