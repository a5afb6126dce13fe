#include <celeriac/context.h>
#include <celeriac/retry.h>

namespace celeriac {
namespace {

Retry make_retry(RetryOptions options) {
  return Retry{std::move(options), std::current_exception()};
}

}  // namespace

TaskError::TaskError(std::string type, std::string message, std::string module)
    : TaskError(std::move(type), Json::Array{Json(std::move(message))}, std::move(module)) {}

TaskError::TaskError(std::string type, Json::Array args, std::string module)
    : type_(std::move(type)), module_(std::move(module)), args_(std::move(args)) {
  text_ = type_;
  if (args_.size() == 1 && args_.front().is_string()) {
    text_ += ": " + args_.front().string_or("");
  } else if (!args_.empty()) {
    text_ += ": " + python_repr_tuple(args_);
  }
}

Retry Context::retry(RetryOptions options) const {
  return make_retry(std::move(options));
}
Retry BlockingContext::retry(RetryOptions options) const {
  return make_retry(std::move(options));
}

}  // namespace celeriac
