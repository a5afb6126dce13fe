// A signature opened up: what it is made of as a tree that can be changed in place. The working
// form of canvas*.cpp; nothing else needs it.
#pragma once

#include <celeriac/json.h>
#include <celeriac/signature.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message/canvas.h"

namespace celeriac::protocol {

struct CanvasNode {
  enum class Kind { task, chain, group, chord, chunks };

  Kind kind = Kind::task;
  std::string task;
  Json::Array args;
  JsonObject kwargs;   // without what the fields below hold
  JsonObject options;  // `link`, `link_error`, `chord` and `chain` hold signatures as JSON
  std::string subtask_type;
  bool immutable = false;
  std::vector<CanvasNode> tasks;  // of a chain or a group; a chord's header
  std::vector<CanvasNode> body;   // a chord's body; at most one

  // Throws MessageError(invalid) for what is no signature.
  static CanvasNode from_json(const Json& json);
  Json to_json() const;

  bool is(Kind other) const { return kind == other; }
  bool is_empty_group() const { return kind == Kind::group && tasks.empty(); }
  bool is_empty_chain() const { return kind == Kind::chain && tasks.empty(); }
  // A group followed by steps runs them once for each member, so it must stay one body.
  bool is_chain_led_by_task() const;

  // The option, or null when it is absent or null.
  const Json* option(std::string_view name) const;
  std::string text_option(std::string_view name) const;  // empty when absent
};

// The signatures of an option that holds one or a list of them.
Json::Array signatures_of(const Json* option);
Json::Array signatures_of_value(Json option);

// Celery's `link()` and `link_error()`: a group's first task, all of a group's tasks, a chord's
// body, each in its own way.
void link(CanvasNode& node, const Json& callback);
void link_error(CanvasNode& node, const Json& errback, CanvasContext::ChordErrbacks chord_errbacks);
// Appends to a list option: once, or always.
void append_to_option(CanvasNode& node, std::string_view name, const Json& signature);
void extend_option(CanvasNode& node, std::string_view name, const Json& signature);

// Celery's Signature._merge: options given override those of the signature, except its group and
// its stamps; arguments are put in front unless it is immutable. Null options are no options.
void merge(CanvasNode& node, const Json::Array& args, const JsonObject& options);

CanvasNode chord_of(CanvasNode header_group, CanvasNode body);
// Celery's `left | right`.
CanvasNode pipe(CanvasNode left, CanvasNode right);
// A group with one member is that member.
CanvasNode unroll_group(CanvasNode node);
// The tasks of a chain with its callback on the last one and its errbacks on all.
std::vector<CanvasNode> unchain(const CanvasNode& chain,
                                CanvasContext::ChordErrbacks chord_errbacks);
// chord(header, a | b | c) as chord(header, a), b, c: otherwise every task of the header carries
// the whole rest of the workflow.
std::vector<CanvasNode> unroll_body(CanvasNode chord, CanvasContext::ChordErrbacks chord_errbacks);
void unroll_chords(CanvasNode& chain, CanvasContext::ChordErrbacks chord_errbacks);

// The body is given to the header's tasks when they are sent; what they carry before is dead
// weight that multiplies with each level.
void strip_chord_options(CanvasNode& node);

// Completions that a chord waits for.
std::int64_t count_completions(const CanvasNode& node);

}  // namespace celeriac::protocol
