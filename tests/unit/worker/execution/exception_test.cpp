#include "worker/execution/exception.h"

#include <celeriac/error.h>
#include <celeriac/retry.h>
#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

template <class E>
protocol::ExceptionInfo described(E error) {
  return describe_exception(std::make_exception_ptr(std::move(error)));
}

std::string text(const protocol::ExceptionInfo& exception) {
  return exception.module + "." + exception.repr();
}

TEST(Exception, IsWhatATaskErrorNames) {
  EXPECT_EQ(text(described(TaskError("Odd", Json::Array{1, "x"}, "my.errors"))),
            "my.errors.Odd(1, 'x')");
}

TEST(Exception, CanAlwaysBeWritten) {
  EXPECT_EQ(text(described(std::runtime_error("gr\xc3\xbcn \xff\xfe"))),
            "builtins.RuntimeError('gr\xc3\xbcn \\\\xff\\\\xfe')");
  const Json::Array args{Json::array({"\xc3"})};
  EXPECT_EQ(described(TaskError("Odd", args)).args, (Json::Array{Json::array({"\\xc3"})}));
}

TEST(Exception, MapsCppExceptionsToPythons) {
  EXPECT_EQ(text(described(ArgumentError("f() is odd"))), "builtins.TypeError('f() is odd')");
  EXPECT_EQ(text(described(std::invalid_argument("no"))), "builtins.ValueError('no')");
  EXPECT_EQ(text(described(std::out_of_range("3"))), "builtins.IndexError('3')");
  EXPECT_EQ(text(described(Timeout("late"))), "builtins.TimeoutError('late')");
  EXPECT_EQ(text(described(ConnectionLost("gone"))), "builtins.ConnectionError('gone')");
  EXPECT_EQ(text(described(std::runtime_error("boom"))), "builtins.RuntimeError('boom')");
  EXPECT_EQ(text(described(SoftTimeLimitExceeded())),
            "billiard.exceptions.SoftTimeLimitExceeded()");
  EXPECT_EQ(described(42).type, "RuntimeError");
}

TEST(Exception, IsOneOfItsPythonBases) {
  const protocol::ExceptionInfo reset{"ConnectionResetError", {}, "builtins", {}};
  EXPECT_TRUE(is_one_of(reset, {"ConnectionResetError"}));
  EXPECT_TRUE(is_one_of(reset, {"builtins.ConnectionResetError"}));
  EXPECT_TRUE(is_one_of(reset, {"OSError"}));
  EXPECT_TRUE(is_one_of(reset, {"Exception"}));
  EXPECT_FALSE(is_one_of(reset, {"ValueError", "RuntimeError"}));
  EXPECT_FALSE(is_one_of(reset, {}));
}

}  // namespace
}  // namespace celeriac::worker
