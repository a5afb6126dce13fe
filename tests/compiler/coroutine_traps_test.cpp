// Probes for expressions that GCC 12 compiles wrongly beside co_await: it destroys a
// temporary twice. A class that counts shows it without harm.
//
// The forms that our rules recommend must be right on every compiler. The traps are
// asserted for GCC 12 only, so that the rules stay true; on another compiler they are
// printed, and a rule whose traps are all gone there may go with GCC 12.
#include <celeriac/async.h>
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <utility>

#include "tests/support/counted.h"

namespace celeriac {
namespace {

using test::Counted;

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ == 12
constexpr bool kGcc12 = true;
#else
constexpr bool kGcc12 = false;
#endif

struct Aggregate {
  Counted member;
};
struct WithConstructor {
  explicit WithConstructor(Counted value) : member(value) {}
  Counted member;
};
struct Trivial {
  int number = 0;
};

Async<int> takes_value(Aggregate) {
  co_return 1;
}
Async<int> takes_constructed(WithConstructor) {
  co_return 1;
}
Async<int> takes_trivial(Trivial trivial) {
  co_return trivial.number;
}
Async<int> takes_counted(Counted) {
  co_return 1;
}
Async<int> takes_function(std::function<void()>) {
  co_return 1;
}
Async<int> takes_reference(const Aggregate& aggregate) {
  return takes_value(aggregate);
}
template <class F>
Async<int> takes_callable(F) {
  co_return 1;
}
Async<Counted> gives_counted() {
  co_return Counted();
}

class Ignored final : public detail::Root::Owner {
 public:
  std::coroutine_handle<> ended(std::exception_ptr) noexcept override {
    return std::noop_coroutine();
  }
};

// Whether everything that was made is destroyed once.
bool is_right(Async<void> probe) {
  {
    Ignored owner;
    Interruption interruption;
    detail::Root root =
        detail::run_into<void, void>(owner, interruption, std::move(probe), nullptr);
    root.resume();
  }
  return Counted::alive() == 0;
}

#define EXPECT_RIGHT(probe) \
  Counted::reset();         \
  EXPECT_TRUE(is_right(probe))

void expect_trap(const char* expression, Async<void> (*probe)()) {
  Counted::reset();
  const bool right = is_right(probe());
  if (kGcc12) {
    EXPECT_FALSE(right) << expression << " is compiled rightly now: say so in the rules";
  } else {
    std::cout << (right ? "right: " : "WRONG: ") << expression << "\n";
  }
}

Async<void> aggregate_by_value() {
  co_await takes_value({.member = Counted()});
}
Async<void> aggregate_by_reference() {
  co_await takes_reference(Aggregate{.member = Counted()});
}
Async<void> conditional(bool yes) {
  Counted value = yes ? co_await gives_counted() : Counted();
}
Async<void> conditional_yes() {
  return conditional(true);
}
Async<void> lambda_to_template() {
  Counted counted;
  co_await takes_callable([counted] {});
}
Async<void> lambda_to_function() {
  Counted counted;
  co_await takes_function([counted] {});
}

TEST(CoroutineTraps, AnAggregateThatOwnsSomething) {
  expect_trap("co_await f({.member = ...})", aggregate_by_value);
  expect_trap("co_await f(const&: Aggregate{...})", aggregate_by_reference);
}

TEST(CoroutineTraps, AConditionalWithAnAwait) {
  expect_trap("c ? co_await g() : T()", conditional_yes);
}

TEST(CoroutineTraps, ALambdaThatOwnsSomething) {
  expect_trap("co_await f([owned] {})", lambda_to_template);
  expect_trap("co_await f(std::function: [owned] {})", lambda_to_function);
}

Async<void> named_aggregate() {
  Aggregate named{.member = Counted()};
  co_await takes_value(named);
  co_await takes_reference(named);
  co_await takes_value(std::move(named));
}
Async<void> constructed() {
  co_await takes_constructed(WithConstructor(Counted()));
}
Async<void> awaitable_before() {
  Async<int> awaitable = takes_value({.member = Counted()});
  co_await std::move(awaitable);
}
Async<void> trivial_aggregate() {
  co_await takes_trivial({.number = 1});
}
Async<void> plain_temporary() {
  co_await takes_counted(Counted());
}
Async<void> statement_instead_of_conditional(bool yes) {
  Counted value;
  if (yes) value = co_await gives_counted();
}
Async<void> named_lambda() {
  Counted counted;
  auto named = [counted] {};
  co_await takes_callable(named);
  co_await takes_function(named);
  co_await takes_callable(std::move(named));
}
Async<void> lambda_of_references() {
  Counted counted;
  co_await takes_callable([&counted] {});
}

TEST(CoroutineRules, TheRecommendedFormsDestroyOnce) {
  EXPECT_RIGHT(named_aggregate());
  EXPECT_RIGHT(constructed());
  EXPECT_RIGHT(awaitable_before());
  EXPECT_RIGHT(trivial_aggregate());
  EXPECT_RIGHT(plain_temporary());
  EXPECT_RIGHT(statement_instead_of_conditional(true));
  EXPECT_RIGHT(statement_instead_of_conditional(false));
  EXPECT_RIGHT(named_lambda());
  EXPECT_RIGHT(lambda_of_references());
}

}  // namespace
}  // namespace celeriac
