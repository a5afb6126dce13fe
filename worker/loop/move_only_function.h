// A callable that is moved and never copied, so that it may own what it needs
// (std::move_only_function is C++23).
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace celeriac::worker {

template <class Signature>
class MoveOnlyFunction;

template <class Result, class... Arguments>
class MoveOnlyFunction<Result(Arguments...)> {
 public:
  MoveOnlyFunction() = default;
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, MoveOnlyFunction> &&
           std::is_invocable_r_v<Result, F&, Arguments...>) MoveOnlyFunction(F&& function)
      : callable_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(function))) {}

  explicit operator bool() const { return callable_ != nullptr; }
  Result operator()(Arguments... arguments) {
    return callable_->call(std::forward<Arguments>(arguments)...);
  }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual Result call(Arguments... arguments) = 0;
  };
  template <class F>
  struct Holder final : Callable {
    template <class G>
    explicit Holder(G&& function) : held(std::forward<G>(function)) {}
    Result call(Arguments... arguments) override {
      return held(std::forward<Arguments>(arguments)...);
    }
    F held;
  };

  std::unique_ptr<Callable> callable_;
};

}  // namespace celeriac::worker
