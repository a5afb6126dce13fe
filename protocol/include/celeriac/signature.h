// Signatures as values: a task with arguments and options, or a composition of
// them, in the JSON form that Celery exchanges (wire page, section 5.1).
#pragma once

#include <celeriac/json.h>

#include <string>
#include <string_view>
#include <vector>

namespace celeriac {

// One signature. Options keep Celery's names (`task_id`, `queue`, `countdown`,
// `link`, `link_error`, `chord`, stamps …) and unknown members are kept.
class Signature {
 public:
  Signature() = default;
  explicit Signature(std::string task, Json::Array args = {}, JsonObject kwargs = {});

  // Reads the JSON form. Missing members read as empty; a value that is no
  // signature throws MessageError(invalid).
  static Signature from_json(const Json& json);
  Json to_json() const;

  const std::string& task() const { return task_; }
  const Json::Array& args() const { return args_; }
  const JsonObject& kwargs() const { return kwargs_; }
  const JsonObject& options() const { return options_; }
  // "chain", "group", "chord", "xmap", "xstarmap", "chunks", or "" for a plain task.
  const std::string& subtask_type() const { return subtask_type_; }
  bool immutable() const { return immutable_; }

  Json::Array& args() { return args_; }
  JsonObject& kwargs() { return kwargs_; }
  JsonObject& options() { return options_; }

  // Builders, as Python's: `sig("add", {2}).set("countdown", 3).link(other)`.
  Signature& set(std::string_view option, Json value);
  Signature& set_immutable(bool immutable);
  Signature& link(const Signature& callback);
  Signature& link_error(const Signature& errback);

  bool operator==(const Signature&) const = default;

 private:
  friend Signature chain(std::vector<Signature> tasks);
  friend Signature group(std::vector<Signature> tasks);
  friend Signature chord(std::vector<Signature> header, Signature body);

  std::string task_;
  Json::Array args_;
  JsonObject kwargs_;
  JsonObject options_;
  std::string subtask_type_;
  bool immutable_ = false;
  JsonObject extra_;  // members we do not know, e.g. chord_size of Celery 4
};

// Celery's primitives. They nest.
Signature chain(std::vector<Signature> tasks);
Signature group(std::vector<Signature> tasks);
Signature chord(std::vector<Signature> header, Signature body);

}  // namespace celeriac
