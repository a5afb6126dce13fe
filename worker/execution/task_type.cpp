#include "worker/execution/task_type.h"

#include <charconv>

namespace celeriac::worker {
namespace {

std::optional<double> seconds(const std::optional<std::chrono::duration<double>>& duration) {
  if (!duration || duration->count() <= 0) return std::nullopt;
  return duration->count();
}

// Reads one attribute of an annotation and complains with its place.
class Attribute {
 public:
  Attribute(std::string_view task, std::string_view name, const Json& value)
      : task_(task), name_(name), value_(value) {}

  bool flag() const {
    if (auto truth = value_.as_bool()) return *truth;
    refuse("true or false");
  }
  std::optional<double> limit() const {
    if (value_.is_null()) return std::nullopt;
    if (auto number = value_.as_double(); number && *number >= 0) {
      return *number > 0 ? number : std::nullopt;
    }
    refuse("a number of seconds or null");
  }
  std::optional<std::int64_t> count() const {
    if (value_.is_null()) return std::nullopt;
    if (auto number = value_.as_int()) return number;
    refuse("an integer or null");
  }
  std::string rate() const {
    if (value_.is_null()) return {};
    if (const std::string* text = value_.as_string()) return *text;
    if (value_.is_number()) return dump_json(value_);
    refuse("a rate such as '10/m', a number or null");
  }
  [[noreturn]] void refuse_name() const {
    throw ConfigError(place() +
                      " is not an attribute of a task; known are rate_limit, time_limit, "
                      "soft_time_limit, max_retries, default_retry_delay, acks_late, "
                      "acks_on_failure_or_timeout, acks_on_failure, acks_on_timeout, "
                      "reject_on_worker_lost, track_started, ignore_result and "
                      "store_errors_even_if_ignored");
  }

 private:
  std::string place() const { return "task_annotations['" + task_ + "']." + name_; }
  [[noreturn]] void refuse(std::string_view expected) const {
    throw ConfigError(place() + " is " + python_repr(value_) + "; it must be " +
                      std::string(expected));
  }

  std::string task_, name_;
  const Json& value_;
};

void set_rate_limit(TaskType& type, std::string text) {
  type.rate_limit = parse_rate_limit(text);
  type.rate_limit_text = std::move(text);
}

void annotate(TaskType& type, std::string_view task, std::string_view name, const Json& value) {
  const Attribute attribute(task, name, value);
  if (name == "rate_limit") {
    set_rate_limit(type, attribute.rate());
  } else if (name == "time_limit") {
    type.time_limit = attribute.limit();
  } else if (name == "soft_time_limit") {
    type.soft_time_limit = attribute.limit();
  } else if (name == "max_retries") {
    type.max_retries = attribute.count();
  } else if (name == "default_retry_delay") {
    type.default_retry_delay = attribute.limit().value_or(0);
  } else if (name == "acks_late") {
    type.acks_late = attribute.flag();
  } else if (name == "acks_on_failure_or_timeout") {
    type.acks_on_failure = type.acks_on_timeout = attribute.flag();
  } else if (name == "acks_on_failure") {
    type.acks_on_failure = attribute.flag();
  } else if (name == "acks_on_timeout") {
    type.acks_on_timeout = attribute.flag();
  } else if (name == "reject_on_worker_lost") {
    type.reject_on_worker_lost = attribute.flag();
  } else if (name == "track_started") {
    type.track_started = attribute.flag();
  } else if (name == "ignore_result") {
    type.ignore_result = attribute.flag();
  } else if (name == "store_errors_even_if_ignored") {
    type.store_errors_even_if_ignored = attribute.flag();
  } else {
    attribute.refuse_name();
  }
}

}  // namespace

std::optional<double> parse_rate_limit(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::string_view number = text;
  double per = 1;
  if (number.size() > 2 && number[number.size() - 2] == '/') {
    switch (number.back()) {
      case 's':
        per = 1;
        break;
      case 'm':
        per = 60;
        break;
      case 'h':
        per = 3600;
        break;
      default:
        per = 0;
    }
    number.remove_suffix(2);
  }
  double count = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), count);
  if (error != std::errc() || end != number.data() + number.size() || count < 0 || per == 0) {
    throw ConfigError("rate limit '" + std::string(text) +
                      "' is not a number with /s, /m or /h behind it");
  }
  if (count == 0) return std::nullopt;
  return count / per;
}

TaskType make_task_type(const TaskDefinition& definition, const TaskSettings& settings) {
  const TaskOptions& own = definition.options;
  TaskType type;
  type.definition = &definition;
  const bool acks_failed = settings.acks_on_failure_or_timeout;
  type.acks_late = own.acks_late.value_or(settings.acks_late);
  type.acks_on_failure =
      own.acks_on_failure.value_or(settings.acks_on_failure.value_or(acks_failed));
  type.acks_on_timeout =
      own.acks_on_timeout.value_or(settings.acks_on_timeout.value_or(acks_failed));
  type.reject_on_worker_lost = own.reject_on_worker_lost.value_or(settings.reject_on_worker_lost);
  type.track_started = own.track_started.value_or(settings.track_started);
  type.ignore_result = own.ignore_result.value_or(settings.ignore_result);
  type.store_errors_even_if_ignored =
      own.store_errors_even_if_ignored.value_or(settings.store_errors_even_if_ignored);
  type.soft_time_limit =
      seconds(own.soft_time_limit ? own.soft_time_limit : settings.soft_time_limit);
  type.time_limit = seconds(own.time_limit ? own.time_limit : settings.time_limit);
  const std::string_view own_rate = own.rate_limit.text();
  set_rate_limit(
      type, own_rate.empty() ? settings.default_rate_limit.value_or("") : std::string(own_rate));
  type.max_retries = own.max_retries;
  type.default_retry_delay = own.default_retry_delay.count();
  for (const TaskSettings::Annotation& annotation : settings.annotations) {
    if (annotation.task != "*" && annotation.task != definition.name) continue;
    for (const auto& [name, value] : annotation.attributes) {
      annotate(type, annotation.task, name, value);
    }
  }
  return type;
}

TaskTypes::TaskTypes(const Registry& registry, const TaskSettings& settings) {
  for (const TaskDefinition* definition : registry.tasks()) {
    types_.emplace(definition->name, make_task_type(*definition, settings));
  }
}

TaskType* TaskTypes::find(std::string_view name) {
  const auto place = types_.find(name);
  return place == types_.end() ? nullptr : &place->second;
}

}  // namespace celeriac::worker
