// Redis for tasks.
#pragma once

#include <celeriac/async.h>
#include <celeriac/error.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace celeriac {

// What Redis answered. An error reply is never a value: it is thrown as RedisError.
class RedisReply {
 public:
  using Array = std::vector<RedisReply>;
  // A simple string, such as OK.
  struct Status {
    std::string text;
    bool operator==(const Status&) const = default;
  };

  RedisReply() = default;  // nil
  RedisReply(std::int64_t integer) : value_(integer) {}
  RedisReply(std::string text) : value_(std::move(text)) {}
  RedisReply(Status status) : value_(std::move(status)) {}
  RedisReply(Array items) : value_(std::move(items)) {}

  bool is_nil() const { return std::holds_alternative<std::monostate>(value_); }

  // Empty or null if the reply is of another kind. A status reads as a string.
  std::optional<std::int64_t> as_integer() const {
    const auto* integer = std::get_if<std::int64_t>(&value_);
    return integer ? std::optional(*integer) : std::nullopt;
  }
  const std::string* as_string() const {
    if (const auto* status = std::get_if<Status>(&value_)) return &status->text;
    return std::get_if<std::string>(&value_);
  }
  const Array* as_array() const { return std::get_if<Array>(&value_); }

  // Throw RedisError if the reply is of another kind.
  std::int64_t integer() const {
    if (auto value = as_integer()) return *value;
    throw unexpected("an integer");
  }
  const std::string& string() const {
    if (const auto* value = as_string()) return *value;
    throw unexpected("a string");
  }
  const Array& array() const {
    if (const auto* value = as_array()) return *value;
    throw unexpected("an array");
  }

  bool operator==(const RedisReply&) const = default;

 private:
  RedisError unexpected(const char* expected) const {
    static constexpr const char* kNames[] = {"nil", "an integer", "a string", "a status",
                                             "an array"};
    return RedisError(std::string("Redis answered ") + kNames[value_.index()] +
                      " where the caller expects " + expected);
  }

  std::variant<std::monostate, std::int64_t, std::string, Status, Array> value_;
};

template <class T>
concept RedisArgument = std::convertible_to<T, std::string> ||
    (std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>);

// One connection to one Redis database, shared by all tasks; commands go out in the
// order of the awaits, pipelined. Loop thread only.
//
// While Redis is away commands wait for it, within bounds; then they fail with Timeout,
// naming host and port. A command that was already sent when the connection broke may
// have been executed: it fails with ConnectionLost, unless it may be repeated. What
// Redis refuses is a RedisError with its text.
class RedisClient {
 public:
  enum class Repeat {
    never,
    allowed,  // the same again does no harm: it is sent again on the next connection
  };

  virtual ~RedisClient() = default;

  // `co_await redis.command("SETEX", key, 3600, value)`.
  template <RedisArgument... Arguments>
  Async<RedisReply> command(std::string name, Arguments... arguments) {
    return perform(list(std::move(name), std::move(arguments)...), Repeat::never);
  }
  template <RedisArgument... Arguments>
  Async<RedisReply> command(Repeat repeat, std::string name, Arguments... arguments) {
    return perform(list(std::move(name), std::move(arguments)...), repeat);
  }
  Async<RedisReply> command(std::vector<std::string> arguments, Repeat repeat = Repeat::never) {
    return perform(std::move(arguments), repeat);
  }

  // MULTI … EXEC in one go; one reply for each command. If one of them fails, RedisError
  // with the first error, although Redis has executed the others.
  Async<std::vector<RedisReply>> transaction(std::vector<std::vector<std::string>> commands,
                                             Repeat repeat = Repeat::never) {
    return perform_transaction(std::move(commands), repeat);
  }

  // Runs a Lua script; its text travels only if Redis does not know it yet.
  Async<RedisReply> eval(std::string script, std::vector<std::string> keys,
                         std::vector<std::string> arguments, Repeat repeat = Repeat::never) {
    return perform_script(std::move(script), std::move(keys), std::move(arguments), repeat);
  }

 protected:
  virtual Async<RedisReply> perform(std::vector<std::string> arguments, Repeat repeat) = 0;
  virtual Async<std::vector<RedisReply>> perform_transaction(
      std::vector<std::vector<std::string>> commands, Repeat repeat) = 0;
  virtual Async<RedisReply> perform_script(std::string script, std::vector<std::string> keys,
                                           std::vector<std::string> arguments, Repeat repeat) = 0;

 private:
  template <class T>
  static std::string text(T argument) {
    if constexpr (std::integral<T>) {
      return std::to_string(argument);
    } else {
      return std::string(std::move(argument));
    }
  }
  template <class... Arguments>
  static std::vector<std::string> list(std::string name, Arguments... arguments) {
    std::vector<std::string> words;
    words.reserve(1 + sizeof...(arguments));
    words.push_back(std::move(name));
    (words.push_back(text(std::move(arguments))), ...);
    return words;
  }
};

}  // namespace celeriac
