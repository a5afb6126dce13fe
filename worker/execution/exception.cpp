#include "worker/execution/exception.h"

#include <celeriac/error.h>
#include <celeriac/retry.h>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>
#include <utility>

#include "protocol/json/utf8.h"
#include "protocol/message/canvas.h"
#include "worker/execution/pool.h"

namespace celeriac::worker {
namespace {

using protocol::ExceptionInfo;

ExceptionInfo make(std::string type, std::string_view text, std::string module = "builtins") {
  return {std::move(type), {Json(text)}, std::move(module), {}};
}

// Python's hierarchy, as far as our names reach: class and base.
constexpr std::array<std::pair<std::string_view, std::string_view>, 33> kBases{{
    {"ArithmeticError", "Exception"},
    {"AssertionError", "Exception"},
    {"AttributeError", "Exception"},
    {"BlockingIOError", "OSError"},
    {"BrokenPipeError", "ConnectionError"},
    {"BufferError", "Exception"},
    {"ConnectionAbortedError", "ConnectionError"},
    {"ConnectionError", "OSError"},
    {"ConnectionRefusedError", "ConnectionError"},
    {"ConnectionResetError", "ConnectionError"},
    {"EOFError", "Exception"},
    {"FileExistsError", "OSError"},
    {"FileNotFoundError", "OSError"},
    {"FloatingPointError", "ArithmeticError"},
    {"ImportError", "Exception"},
    {"IndexError", "LookupError"},
    {"InterruptedError", "OSError"},
    {"KeyError", "LookupError"},
    {"LookupError", "Exception"},
    {"MemoryError", "Exception"},
    {"NotADirectoryError", "OSError"},
    {"NotImplementedError", "RuntimeError"},
    {"OSError", "Exception"},
    {"OverflowError", "ArithmeticError"},
    {"PermissionError", "OSError"},
    {"RecursionError", "RuntimeError"},
    {"RuntimeError", "Exception"},
    {"TimeoutError", "OSError"},
    {"TypeError", "Exception"},
    {"UnicodeDecodeError", "UnicodeError"},
    {"UnicodeError", "ValueError"},
    {"ValueError", "Exception"},
    {"ZeroDivisionError", "ArithmeticError"},
}};

std::string_view base_of(std::string_view type) {
  const auto entry =
      std::ranges::find(kBases, type, &std::pair<std::string_view, std::string_view>::first);
  return entry == kBases.end() ? "Exception" : entry->second;
}

}  // namespace

namespace {

ExceptionInfo described(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const TaskError& task_error) {
    return {task_error.type(), task_error.args(), task_error.module(), {}};
  } catch (const protocol::CanvasError& canvas) {
    return make(canvas.type(), canvas.what(), canvas.module());
  } catch (const WorkerLost& lost) {
    return make("WorkerLostError", lost.what(), "billiard.exceptions");
  } catch (const ArgumentError& argument) {
    return make("TypeError", argument.what());
  } catch (const EncodeError& encode) {
    return make("EncodeError", encode.what(), "kombu.exceptions");
  } catch (const SoftTimeLimitExceeded&) {
    return {"SoftTimeLimitExceeded", {}, "billiard.exceptions", {}};
  } catch (const HttpError& http) {
    return make("HttpError", http.what(), "celeriac");
  } catch (const RedisError& redis) {
    return make("RedisError", redis.what(), "redis.exceptions");
  } catch (const ConnectionLost& lost) {
    return make("ConnectionError", lost.what());
  } catch (const Timeout& timeout) {
    return make("TimeoutError", timeout.what());
  } catch (const std::bad_alloc&) {
    return {"MemoryError", {}, "builtins", {}};
  } catch (const std::invalid_argument& invalid) {
    return make("ValueError", invalid.what());
  } catch (const std::domain_error& domain) {
    return make("ValueError", domain.what());
  } catch (const std::out_of_range& range) {
    return make("IndexError", range.what());
  } catch (const std::overflow_error& overflow) {
    return make("OverflowError", overflow.what());
  } catch (const std::exception& other) {
    return make("RuntimeError", other.what());
  } catch (...) {
    return make("RuntimeError", "the task threw something that is no std::exception");
  }
}

// A text of other bytes than UTF-8 could not be stored.
void make_writable(Json& value) {
  if (const std::string* text = value.as_string()) {
    if (protocol::find_invalid_utf8(*text)) value = Json(protocol::escape_invalid_utf8(*text));
  } else if (Json::Array* items = value.as_array()) {
    for (Json& item : *items) make_writable(item);
  }
}

}  // namespace

ExceptionInfo describe_exception(const std::exception_ptr& error) {
  ExceptionInfo exception = described(error);
  for (Json& arg : exception.args) make_writable(arg);
  return exception;
}

std::string make_traceback(std::string_view task, std::string_view nodename,
                           const ExceptionInfo& exception) {
  std::string text = "Traceback (most recent call last):\n  C++ task ";
  text.append(task).append(", worker ").append(nodename).append("\n");
  if (exception.module != "builtins") text.append(exception.module).append(".");
  text += exception.type;
  if (exception.args.size() == 1) {
    const Json& only = exception.args.front();
    text += ": " + (only.is_string() ? only.string_or("") : python_repr(only));
  } else if (!exception.args.empty()) {
    text += ": " + python_repr_tuple(exception.args);
  }
  return text + "\n";
}

bool is_one_of(const ExceptionInfo& exception, const std::vector<std::string>& names) {
  if (names.empty()) return false;
  const std::string qualified = exception.module + "." + exception.type;
  std::string_view type = exception.type;
  for (;;) {
    for (const std::string& name : names) {
      if (name == type || name == qualified || name == "BaseException") return true;
    }
    if (type == "Exception") return false;
    type = base_of(type);
  }
}

}  // namespace celeriac::worker
