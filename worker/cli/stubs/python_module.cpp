#include "worker/cli/stubs/python_module.h"

#include <celeriac/json.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <string_view>

#include "worker/cli/stubs/python_names.h"

namespace celeriac::worker {
namespace {

// Celery's own classes need type arguments only when checked, and with celery-types alone, so
// the module brings its own. What it defines here is reserved in python_names.cpp.
constexpr std::string_view kPrelude =
    R"PYTHON("""Tasks of a native worker. Written by `celeriac stubs`: write it again, do not edit it.

Each task stands under its own name and, where only one ends so, under the last part alone:

    add.delay(2, 3).get()
    tasks.add.delay(2, 3).get()

They are sent through the current Celery app, which is the one made last in this thread, or
through the app that was given to bind().
"""
# fmt: off
# ruff: noqa
# mypy: disable-error-code="import-untyped,import-not-found,misc,overload-cannot-match,overload-overlap"

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar, cast, overload

import celery
import celery.canvas
import celery.result

T = TypeVar("T", covariant=True)

if TYPE_CHECKING:
    import datetime
    import decimal
    import uuid
    from collections.abc import Sequence

    from typing_extensions import NotRequired, TypedDict, Unpack

    class Result(celery.result.AsyncResult[T], Generic[T]):
        """A celery.result.AsyncResult that knows what get() returns."""

        def get(
            self,
            timeout: float | None = None,
            propagate: bool = True,
            interval: float = 0.5,
            no_ack: bool = True,
            follow_parents: bool = True,
            callback: Callable[..., Any] | None = None,
            on_message: Callable[..., Any] | None = None,
            on_interval: Callable[..., Any] | None = None,
            disable_sync_subtasks: bool = True,
            EXCEPTION_STATES: frozenset[str] = ...,
            PROPAGATE_STATES: frozenset[str] = ...,
        ) -> T: ...

    class Signature(celery.canvas.Signature[T], Generic[T]):
        """A celery.canvas.Signature that knows what its task returns."""

        def delay(self, *args: Any, **kwargs: Any) -> Result[T]: ...
        def apply_async(
            self, args: Any = None, kwargs: Any = None, route_name: str | None = None, **options: Any
        ) -> Result[T]: ...

    class Options(TypedDict, total=False):
        """How apply_async() sends; the names are Celery's."""

        countdown: float | None
        eta: datetime.datetime | None
        expires: float | datetime.datetime | None
        queue: str | None
        exchange: str | None
        routing_key: str | None
        priority: int | None
        task_id: str | None
        link: Any
        link_error: Any
        headers: dict[str, Any] | None
        time_limit: float | None
        soft_time_limit: float | None
        ignore_result: bool
        serializer: str | None
        compression: str | None
        shadow: str | None
        retry: bool
        retry_policy: dict[str, Any] | None
        add_to_parent: bool
        reply_to: str | None
        root_id: str | None
        parent_id: str | None
        group_id: str | None
        group_index: int | None
        stamped_headers: list[str] | None
        connection: Any
        producer: Any
else:
    Result = celery.result.AsyncResult
    Signature = celery.canvas.Signature

_bound: celery.Celery | None = None


def bind(app: celery.Celery | None) -> None:
    """Sends all tasks of this module through this app; None: through the current one."""
    global _bound
    _bound = app


def _app() -> celery.Celery:
    if _bound is not None:
        return _bound
    app = celery.current_app
    if app.main == "default" and not app.conf.broker_url:
        raise RuntimeError(
            "there is no current Celery app in this thread: import the module that makes it, "
            "call app.set_default(), or give it to bind()"
        )
    return app


class Task(Generic[T]):
    """A task by its name. It runs in a worker, never here."""

    def __init__(self, name: str, check_arguments: Callable[..., None]) -> None:
        self.name = name
        self._check_arguments = check_arguments
        check_arguments.__qualname__ = name.rpartition(".")[2]

    def signature(self, args: Any = None, kwargs: Any = None, **options: Any) -> Signature[T]:
        """The task with arguments that need not be complete, and options."""
        made = _app().signature(self.name, args, kwargs, **options)
        return cast("Signature[T]", made)

    def AsyncResult(self, task_id: str) -> Result[T]:
        """The result of an earlier call."""
        return cast("Result[T]", _app().AsyncResult(task_id))

    if not TYPE_CHECKING:

        def delay(self, *args, **kwargs):
            return self.apply_async(args, kwargs)

        def apply_async(self, args=None, kwargs=None, **options):
            self._check_arguments(*(args or ()), **(kwargs or {}))
            return _app().send_task(self.name, args, kwargs, **options)

        def s(self, *args, **kwargs):
            return self.signature(args, kwargs)

        def si(self, *args, **kwargs):
            return self.signature(args, kwargs, immutable=True)

        def __call__(self, *args, **kwargs):
            raise TypeError(f"{self.name} runs in a worker: call it with delay()")

        def __repr__(self):
            return f"<task {self.name}>"
)PYTHON";

std::string python_string(std::string_view text) {
  std::string literal = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      literal += {'\\', c};
    } else if (c >= 0 && c < ' ') {
      char escape[5];
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned>(c));
      literal += escape;
    } else {
      literal += c;
    }
  }
  return literal + "\"";
}

// For the reader's eye: a default that has no short literal shows as `...`.
std::string shown_default(const Json& value) {
  if (const std::string* text = value.as_string()) return python_string(*text);
  if (value.as_array() && value.as_array()->empty()) return "[]";
  if (value.as_object() && value.as_object()->empty()) return "{}";
  const auto real = value.as_double();
  const bool nameless = real && !std::isfinite(*real);
  if (value.is_array() || value.is_object() || nameless) return "...";
  return python_repr(value);
}

std::string docstring(const TaskDefinition& task, const std::string& indent) {
  std::string text = task.options.description;
  if (text.empty()) text = "The task " + task.name + ".";
  std::string literal = "\"\"\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && text[i - 1] == '\n' && text[i] != '\n') literal += indent;
    if (text[i] == '"' || text[i] == '\\') literal += '\\';
    literal += text[i];
  }
  return literal + "\"\"\"";
}

// Whoever defined a task by hand need not have named a type.
std::string annotation(const std::string& type) {
  return type.empty() ? "Any" : type;
}

// Parameters from one on, as a method takes them behind `self`.
std::string parameters_from(std::size_t first, const TaskDefinition& task) {
  std::string text = "self";
  for (std::size_t i = first; i < task.parameters.size(); ++i) {
    const Parameter& parameter = task.parameters[i];
    text += ", " + parameter.name + ": " + annotation(parameter.type);
    if (parameter.fallback) text += " = " + shown_default(*parameter.fallback);
  }
  return text;
}

std::size_t count_required(const TaskDefinition& task) {
  std::size_t required = 0;
  for (const Parameter& parameter : task.parameters) required += parameter.fallback ? 0 : 1;
  return required;
}

// The tuples of the first parameters, from so many to so many: `tuple[int] | tuple[int, int]`.
std::string tuples(const TaskDefinition& task, std::size_t fewest, std::size_t most) {
  std::string text;
  for (std::size_t count = fewest; count <= most; ++count) {
    std::string items;
    for (std::size_t i = 0; i < count; ++i) {
      items += (i > 0 ? ", " : "") + annotation(task.parameters[i].type);
    }
    text += (text.empty() ? "tuple[" : " | tuple[") + (count == 0 ? "()" : items) + "]";
  }
  return text;
}

class TaskClass {
 public:
  explicit TaskClass(const PlacedTask& placed)
      : task_(*placed.task),
        result_("Result[" + annotation(task_.returns) + "]"),
        signature_("Signature[" + annotation(task_.returns) + "]") {
    text_ = "\n\nclass " + placed.class_name + "(Task[" + python_string(annotation(task_.returns)) +
            "]):\n    " + docstring(task_, "    ") + "\n\n    if TYPE_CHECKING:\n";
    if (task_.takes_any_arguments) {
      take_anything();
    } else {
      take_parameters();
    }
  }
  std::string text() && { return std::move(text_); }

 private:
  void line(const std::string& text) { text_ += "        " + text + "\n"; }
  void blank() { text_ += "\n"; }
  void method(const std::string& head) { line("def " + head + ": ..."); }
  void overload(const std::string& head) {
    line("@overload");
    method(head);
  }

  void delay(const std::string& parameters) {
    blank();
    line("def delay(" + parameters + ") -> " + result_ + ":");
    line("    " + docstring(task_, "            "));
    blank();
  }

  void take_anything() {
    const std::string all = "self, *args: Any, **kwargs: Any";
    delay(all);
    method("s(" + all + ") -> " + signature_);
    method("si(" + all + ") -> " + signature_);
    method(
        "apply_async(self, args: Any = None, kwargs: Any = None, **options: Unpack[Options]) -> " +
        result_);
  }

  void take_parameters() {
    const std::string all = parameters_from(0, task_);
    delay(all);
    if (task_.parameters.empty()) {
      method("s(" + all + ") -> " + signature_);
    } else {
      // In a chain, a link or a chord's body the first argument is what came before.
      overload("s(" + all + ") -> " + signature_);
      overload("s(" + parameters_from(1, task_) + ") -> " + signature_);
      method("s(self, *args: Any, **kwargs: Any) -> " + signature_);
    }
    method("si(" + all + ") -> " + signature_);
    apply_async();
  }

  void apply_async() {
    const std::size_t count = task_.parameters.size();
    const std::size_t required = count_required(task_);
    const std::string end = ", **options: Unpack[Options]) -> " + result_;
    std::string rest = "None";
    if (count > 0) {
      rest = "_Rest | None";
      keywords("_Rest", ", total=False", 0);
    }
    const std::string complete = tuples(task_, required, count) + " | list[Any]";
    if (required == 0) {
      method("apply_async(self, args: " + complete + " | None = None, kwargs: " + rest + " = None" +
             end);
      return;
    }
    keywords("_All", "", required);
    overload("apply_async(self, args: " + complete + ", kwargs: " + rest + " = None" + end);
    overload("apply_async(self, args: tuple[()] | None, kwargs: _All" + end);
    overload("apply_async(self, *, kwargs: _All" + end);
    if (required > 1) {
      overload("apply_async(self, args: " + tuples(task_, 1, required - 1) + ", kwargs: _Rest" +
               end);
    }
    method("apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> " + result_);
  }

  // The keyword arguments, those behind the first so many optional.
  void keywords(const std::string& name, const std::string& totality, std::size_t required) {
    std::string items;
    for (std::size_t i = 0; i < task_.parameters.size(); ++i) {
      const Parameter& parameter = task_.parameters[i];
      const bool optional = totality.empty() && i >= required;
      const std::string type = annotation(parameter.type);
      items += (items.empty() ? "" : ", ") + python_string(parameter.name) + ": " +
               (optional ? "NotRequired[" + type + "]" : type);
    }
    line(name + " = TypedDict(\"" + name + "\", {" + items + "}" + totality + ")");
  }

  const TaskDefinition& task_;
  std::string result_, signature_;  // annotations
  std::string text_;
};

// `_tasks_add("tasks.add", lambda x, y=None: None)`: the lambda complains as Python does.
std::string instance(const PlacedTask& placed) {
  std::string parameters = placed.task->takes_any_arguments ? " *args, **kwargs" : "";
  for (const Parameter& parameter : placed.task->parameters) {
    parameters += (parameters.empty() ? " " : ", ") + parameter.name;
    if (parameter.fallback) parameters += "=None";
  }
  return placed.class_name + "(" + python_string(placed.task->name) + ", lambda" + parameters +
         ": None)";
}

struct Namespace {
  std::map<std::string, const PlacedTask*> tasks;
  std::map<std::string, Namespace> inner;
};

std::string namespace_text(const Namespace& space, const std::string& indent) {
  std::string text;
  for (const auto& [name, placed] : space.tasks) {
    text += indent + name + " = " + instance(*placed) + "\n";
  }
  for (const auto& [name, inner] : space.inner) {
    text += (indent.empty() ? "\n\n" : "\n") + indent + "class " + name + ":\n" +
            namespace_text(inner, indent + "    ");
  }
  return text;
}

std::string dotted(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& part : path) text += (text.empty() ? "" : ".") + part;
  return text;
}

std::string short_names(const std::vector<PlacedTask>& placed) {
  std::map<std::string, std::string> lines;
  for (const PlacedTask& one : placed) {
    if (one.has_short_name) lines[one.path.back()] = dotted(one.path);
  }
  std::string text = lines.empty() ? "" : "\n\n";
  for (const auto& [name, path] : lines) text += name + " = " + path + "\n";
  return text;
}

}  // namespace

std::string python_module(const std::vector<const TaskDefinition*>& tasks) {
  const std::vector<PlacedTask> placed = place_in_python(tasks);
  std::string text(kPrelude);
  Namespace top;
  for (const PlacedTask& one : placed) {
    text += TaskClass(one).text();
    Namespace* space = &top;
    for (std::size_t i = 0; i + 1 < one.path.size(); ++i) space = &space->inner[one.path[i]];
    space->tasks[one.path.back()] = &one;
  }
  if (!top.tasks.empty()) text += "\n\n";
  return text + namespace_text(top, "") + short_names(placed);
}

}  // namespace celeriac::worker
