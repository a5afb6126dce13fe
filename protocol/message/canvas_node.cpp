#include "protocol/message/canvas_node.h"

#include <celeriac/error.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <utility>

#include "protocol/message/execution_options.h"

namespace celeriac::protocol {
namespace {

using Kind = CanvasNode::Kind;
using ChordErrbacks = CanvasContext::ChordErrbacks;

Kind kind_of(std::string_view subtask_type) {
  if (subtask_type == "chain") return Kind::chain;
  if (subtask_type == "group") return Kind::group;
  if (subtask_type == "chord") return Kind::chord;
  if (subtask_type == "chunks") return Kind::chunks;
  return Kind::task;
}

std::vector<CanvasNode> nodes_from(const Json& list) {
  std::vector<CanvasNode> nodes;
  if (const Json::Array* items = list.as_array()) {
    nodes.reserve(items->size());
    for (const Json& item : *items) nodes.push_back(CanvasNode::from_json(item));
  }
  return nodes;
}

Json::Array to_json(const std::vector<CanvasNode>& nodes) {
  Json::Array list;
  list.reserve(nodes.size());
  for (const CanvasNode& node : nodes) list.push_back(node.to_json());
  return list;
}

// A header is a list, or one signature: a group or a chain stands for its tasks.
std::vector<CanvasNode> header_from(const Json& header) {
  if (!header.is_object()) return nodes_from(header);
  CanvasNode node = CanvasNode::from_json(header);
  if (node.is(Kind::group) || node.is(Kind::chain)) return std::move(node.tasks);
  std::vector<CanvasNode> tasks;
  tasks.push_back(std::move(node));
  return tasks;
}

CanvasNode chain_of(std::vector<CanvasNode> tasks) {
  CanvasNode chain;
  chain.kind = Kind::chain;
  chain.task = "celery.chain";
  chain.subtask_type = "chain";
  chain.tasks = std::move(tasks);
  return chain;
}

std::vector<CanvasNode> joined(std::vector<CanvasNode> left, std::vector<CanvasNode> right) {
  std::move(right.begin(), right.end(), std::back_inserter(left));
  return left;
}

std::vector<CanvasNode> listed(CanvasNode first) {
  std::vector<CanvasNode> nodes;
  nodes.push_back(std::move(first));
  return nodes;
}

void pipe_into_body(CanvasNode& chord, CanvasNode next) {
  chord.body.front() = pipe(std::move(chord.body.front()), std::move(next));
}

// chain | anything
CanvasNode pipe_chain(CanvasNode chain, CanvasNode next) {
  if (next.is_empty_group()) return chain;
  if (next.is(Kind::group)) {
    next = unroll_group(std::move(next));
    if (!next.is(Kind::group)) return pipe_chain(std::move(chain), std::move(next));
    std::vector<CanvasNode> tasks = unchain(chain, ChordErrbacks::body);
    if (tasks.empty()) return next;
    if (tasks.back().is(Kind::chord)) {
      pipe_into_body(tasks.back(), std::move(next));
      return chain_of(std::move(tasks));
    }
    return chain_of(joined(std::move(tasks), listed(std::move(next))));
  }
  if (next.is(Kind::chain)) {
    for (CanvasNode& task : unchain(next, ChordErrbacks::body)) {
      chain = pipe(std::move(chain), std::move(task));
    }
    return chain;
  }
  if (!chain.tasks.empty() && chain.tasks.back().is(Kind::group)) {
    CanvasNode chord = chord_of(std::move(chain.tasks.back()), std::move(next));
    chain.tasks.pop_back();
    if (!chain.tasks.empty() && chain.tasks.back().is(Kind::chord)) {
      pipe_into_body(chain.tasks.back(), std::move(chord));
    } else {
      chain.tasks.push_back(std::move(chord));
    }
    return chain;
  }
  if (!chain.tasks.empty() && chain.tasks.back().is(Kind::chord) && !next.is(Kind::chord)) {
    pipe_into_body(chain.tasks.back(), std::move(next));
    return chain;
  }
  return chain_of(joined(unchain(chain, ChordErrbacks::body), listed(std::move(next))));
}

// What a chain uses up itself when it runs; the rest goes to its first task.
constexpr std::array<std::string_view, 8> kChainOptions{
    "chord", "group_id", "group_index", "link", "link_error", "parent_id", "root_id", "task_id"};

JsonObject first_task_options(const CanvasNode& chain) {
  JsonObject options;
  for (const auto& [name, value] : chain.options) {
    if (std::ranges::find(kChainOptions, name) == kChainOptions.end()) options.set(name, value);
  }
  return options;
}

void clear_chord_option(CanvasNode& node) {
  node.options.erase("chord");
  if (node.is(Kind::group)) {
    for (CanvasNode& task : node.tasks) clear_chord_option(task);
  } else if (node.is(Kind::chain) && !node.tasks.empty()) {
    clear_chord_option(node.tasks.back());
  } else if (node.is(Kind::chord) && !node.body.empty()) {
    clear_chord_option(node.body.front());
  }
}

}  // namespace

CanvasNode CanvasNode::from_json(const Json& json) {
  const Signature signature = Signature::from_json(json);
  CanvasNode node;
  node.kind = kind_of(signature.subtask_type());
  node.task = signature.task();
  node.args = signature.args();
  node.kwargs = signature.kwargs();
  node.options = signature.options();
  node.subtask_type = signature.subtask_type();
  node.immutable = signature.immutable();
  if (node.is(Kind::chain) || node.is(Kind::group)) {
    node.tasks = nodes_from(node.kwargs["tasks"]);
    node.kwargs.erase("tasks");
  } else if (node.is(Kind::chord)) {
    node.tasks = header_from(node.kwargs["header"]);
    if (node.kwargs["body"].is_object()) node.body.push_back(from_json(node.kwargs["body"]));
    node.kwargs.erase("header");
    node.kwargs.erase("body");
  } else if (node.subtask_type == "xmap" || node.subtask_type == "xstarmap") {
    node.immutable = true;
  }
  return node;
}

Json CanvasNode::to_json() const {
  JsonObject all_kwargs = kwargs;
  if (is(Kind::chain) || is(Kind::group)) {
    all_kwargs.set("tasks", protocol::to_json(tasks));
  } else if (is(Kind::chord)) {
    all_kwargs.set("header", protocol::to_json(tasks));
    all_kwargs.set("body", body.empty() ? Json() : body.front().to_json());
  }
  return Json::object({{"task", task},
                       {"args", args},
                       {"kwargs", std::move(all_kwargs)},
                       {"options", options},
                       {"subtask_type", subtask_type.empty() ? Json() : Json(subtask_type)},
                       {"immutable", immutable}});
}

bool CanvasNode::is_chain_led_by_task() const {
  return is(Kind::chain) && !tasks.empty() && !tasks.front().is(Kind::group);
}

const Json* CanvasNode::option(std::string_view name) const {
  return find_option(options, name);
}

std::string CanvasNode::text_option(std::string_view name) const {
  const Json* value = option(name);
  return value ? value->string_or("") : "";
}

Json::Array signatures_of(const Json* option) {
  if (!option || option->is_null()) return {};
  if (const Json::Array* list = option->as_array()) return *list;
  return {*option};
}

Json::Array signatures_of_value(Json option) {
  if (Json::Array* list = option.as_array()) return std::move(*list);
  if (option.is_null()) return {};
  return {std::move(option)};
}

void extend_option(CanvasNode& node, std::string_view name, const Json& signature) {
  Json::Array list = signatures_of(node.option(name));
  list.push_back(signature);
  node.options.set(name, std::move(list));
}

void append_to_option(CanvasNode& node, std::string_view name, const Json& signature) {
  Json::Array list = signatures_of(node.option(name));
  if (std::ranges::find(list, signature) == list.end()) list.push_back(signature);
  node.options.set(name, std::move(list));
}

void link(CanvasNode& node, const Json& callback) {
  if (node.is(Kind::group)) {
    // One member cannot know what the others return.
    CanvasNode alone = CanvasNode::from_json(callback);
    alone.immutable = true;
    if (!node.tasks.empty()) link(node.tasks.front(), alone.to_json());
  } else if (node.is(Kind::chord) && !node.body.empty()) {
    link(node.body.front(), callback);
  } else {
    append_to_option(node, "link", callback);
  }
}

void link_error(CanvasNode& node, const Json& errback, ChordErrbacks chord_errbacks) {
  if (node.is(Kind::group)) {
    for (CanvasNode& task : node.tasks) link_error(task, errback, chord_errbacks);
  } else if (node.is(Kind::chord) && !node.body.empty()) {
    if (chord_errbacks == ChordErrbacks::header_and_body) {
      CanvasNode alone = CanvasNode::from_json(errback);
      alone.immutable = true;
      for (CanvasNode& task : node.tasks) link_error(task, alone.to_json(), chord_errbacks);
    }
    for (CanvasNode& task : node.tasks) {
      if (task.is(Kind::chord)) link_error(task, errback, chord_errbacks);
    }
    link_error(node.body.front(), errback, chord_errbacks);
  } else {
    append_to_option(node, "link_error", errback);
  }
}

void merge(CanvasNode& node, const Json::Array& args, const JsonObject& options) {
  const Json::Array* stamps = node.options["stamped_headers"].as_array();
  const Json::Array stamped = stamps ? *stamps : Json::Array{};
  const auto is_kept = [&](const std::string& name) {
    return node.options.contains(name) && (name == "group_id" || name == "stamped_headers" ||
                                           std::ranges::find(stamped, Json(name)) != stamped.end());
  };
  if (node.options["stamped_headers"].is_null()) node.options.erase("stamped_headers");
  for (const auto& [name, value] : options) {
    if (!value.is_null() && !is_kept(name)) node.options.set(name, value);
  }
  if (!node.immutable) node.args.insert(node.args.begin(), args.begin(), args.end());
}

CanvasNode chord_of(CanvasNode header, CanvasNode body) {
  CanvasNode chord;
  chord.kind = Kind::chord;
  chord.task = "celery.chord";
  chord.subtask_type = "chord";
  chord.kwargs.set("kwargs", Json::object());
  chord.args = std::move(header.args);
  chord.tasks = std::move(header.tasks);
  chord.body.push_back(std::move(body));
  return chord;
}

CanvasNode unroll_group(CanvasNode node) {
  if (!node.is(Kind::group) || node.tasks.size() != 1) return node;
  CanvasNode only = std::move(node.tasks.front());
  return only;
}

CanvasNode pipe(CanvasNode left, CanvasNode right) {
  switch (left.kind) {
    case Kind::chain:
      return pipe_chain(std::move(left), std::move(right));
    case Kind::group:
      if (right.is_empty_group()) return left;
      return chord_of(std::move(left), std::move(right));
    case Kind::chord:
      right = unroll_group(std::move(right));
      if (!right.is(Kind::group) && !right.is(Kind::chain)) {
        pipe_into_body(left, std::move(right));
        return left;
      }
      break;
    default:
      break;
  }
  if (right.is(Kind::chain)) {
    return chain_of(joined(listed(std::move(left)), unchain(right, ChordErrbacks::body)));
  }
  return chain_of(joined(listed(std::move(left)), listed(unroll_group(std::move(right)))));
}

std::vector<CanvasNode> unchain(const CanvasNode& chain, ChordErrbacks chord_errbacks) {
  std::vector<CanvasNode> tasks = chain.tasks;
  if (tasks.empty()) return tasks;
  for (const Json& callback : signatures_of(chain.option("link"))) link(tasks.back(), callback);
  for (const Json& errback : signatures_of(chain.option("link_error"))) {
    for (CanvasNode& task : tasks) link_error(task, errback, chord_errbacks);
  }
  return tasks;
}

std::vector<CanvasNode> unroll_body(CanvasNode chord, ChordErrbacks chord_errbacks) {
  const CanvasNode chain = std::move(chord.body.front());
  std::vector<CanvasNode> steps = unchain(chain, chord_errbacks);
  merge(steps.front(), {}, first_task_options(chain));
  chord.body.front() = std::move(steps.front());
  steps.front() = std::move(chord);
  return steps;
}

void unroll_chords(CanvasNode& chain, ChordErrbacks chord_errbacks) {
  std::deque<CanvasNode> pending(std::make_move_iterator(chain.tasks.begin()),
                                 std::make_move_iterator(chain.tasks.end()));
  chain.tasks.clear();
  while (!pending.empty()) {
    CanvasNode task = std::move(pending.front());
    pending.pop_front();
    if (task.is(Kind::chain)) unroll_chords(task, chord_errbacks);
    if (task.is(Kind::chord) && !task.body.empty() && task.body.front().is_chain_led_by_task()) {
      std::vector<CanvasNode> steps = unroll_body(std::move(task), chord_errbacks);
      pending.insert(pending.begin(), std::make_move_iterator(steps.begin()),
                     std::make_move_iterator(steps.end()));
    } else {
      chain.tasks.push_back(std::move(task));
    }
  }
}

void strip_chord_options(CanvasNode& node) {
  for (CanvasNode& task : node.tasks) {
    if (node.is(Kind::chord)) clear_chord_option(task);
    strip_chord_options(task);
  }
  for (CanvasNode& body : node.body) strip_chord_options(body);
}

std::int64_t count_completions(const CanvasNode& node) {
  switch (node.kind) {
    case Kind::group: {
      std::int64_t total = 0;
      for (const CanvasNode& task : node.tasks) total += count_completions(task);
      return total;
    }
    case Kind::chain:
      for (auto task = node.tasks.rbegin(); task != node.tasks.rend(); ++task) {
        if (const std::int64_t size = count_completions(*task); size > 0) return size;
      }
      return 0;
    case Kind::chord:
      return node.body.empty() ? 0 : count_completions(node.body.front());
    default:
      return 1;
  }
}

}  // namespace celeriac::protocol
