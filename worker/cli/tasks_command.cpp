#include "worker/cli/tasks_command.h"

#include <celeriac/json.h>

#include <array>
#include <charconv>

namespace celeriac::worker {
namespace {

std::string shortest(double number) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr};
}

std::string signature(const TaskDefinition& task) {
  std::string text = task.name + "(";
  if (task.takes_any_arguments) text += "*args, **kwargs";
  for (std::size_t i = 0; i < task.parameters.size(); ++i) {
    const Parameter& parameter = task.parameters[i];
    text += (i > 0 ? ", " : "") + parameter.name;
    if (!parameter.type.empty()) text += ": " + parameter.type;
    if (parameter.fallback) text += " = " + python_repr(*parameter.fallback);
  }
  text += ")";
  if (!task.returns.empty()) text += " -> " + task.returns;
  return text;
}

class OptionList {
 public:
  void add(const std::string& name, const std::string& value) {
    text_ += (text_.empty() ? "" : ", ") + name + "=" + value;
  }
  void add(const std::string& name, const std::optional<bool>& value) {
    if (value) add(name, std::string(*value ? "true" : "false"));
  }
  void add(const std::string& name, const std::optional<std::chrono::duration<double>>& value) {
    if (value) add(name, shortest(value->count()) + "s");
  }
  void add(const std::string& name, const std::optional<std::string>& value) {
    if (value) add(name, *value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string options(const TaskOptions& task) {
  const TaskOptions defaults;
  OptionList list;
  if (!task.rate_limit.text().empty()) list.add("rate_limit", std::string(task.rate_limit.text()));
  if (task.max_retries != defaults.max_retries) {
    list.add("max_retries", task.max_retries ? std::to_string(*task.max_retries) : "none");
  }
  if (task.default_retry_delay != defaults.default_retry_delay) {
    list.add("default_retry_delay", std::optional(task.default_retry_delay));
  }
  for (const std::string& exception : task.autoretry_for) list.add("autoretry_for", exception);
  if (task.retry_backoff > 0) list.add("retry_backoff", shortest(task.retry_backoff));
  list.add("acks_late", task.acks_late);
  list.add("acks_on_failure", task.acks_on_failure);
  list.add("acks_on_timeout", task.acks_on_timeout);
  list.add("reject_on_worker_lost", task.reject_on_worker_lost);
  list.add("track_started", task.track_started);
  list.add("ignore_result", task.ignore_result);
  list.add("soft_time_limit", task.soft_time_limit);
  list.add("time_limit", task.time_limit);
  list.add("queue", task.queue);
  list.add("serializer", task.serializer);
  list.add("compression", task.compression);
  if (task.priority) list.add("priority", std::to_string(*task.priority));
  return list.text();
}

}  // namespace

std::string list_tasks(const Registry& registry) {
  std::string text;
  for (const TaskDefinition* task : registry.tasks()) {
    if (task->builtin) continue;
    text += signature(*task) + "\n";
    if (!task->options.description.empty()) text += "    " + task->options.description + "\n";
    const std::string own = options(task->options);
    text += std::string("    ") + (task->is_coroutine() ? "on the event loop" : "in the pool") +
            (own.empty() ? "" : "; " + own) + "\n";
  }
  return text.empty() ? "No task is registered; give a module with -A.\n" : text;
}

}  // namespace celeriac::worker
