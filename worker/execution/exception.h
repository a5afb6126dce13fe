// C++ exceptions as the Python exceptions that a caller of the task will see.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message/result.h"

namespace celeriac::worker {

// A TaskError is the exception it names; others map to builtins, as retry.h tells, and to
// Celery's own classes. Without a traceback.
protocol::ExceptionInfo describe_exception(const std::exception_ptr& error);

// What stands for Python's traceback: which task failed where, and with what.
std::string make_traceback(std::string_view task, std::string_view nodename,
                           const protocol::ExceptionInfo& exception);

// True if one of the names is the exception's class, with or without its module, or one of the
// classes that Python derives it from.
bool is_one_of(const protocol::ExceptionInfo& exception, const std::vector<std::string>& names);

}  // namespace celeriac::worker
