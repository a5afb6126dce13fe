// Reads a YAML configuration and remembers where everything stands, so that each
// mistake in it is reported with file, line, column and a remedy, all at once.
//
//   auto file = read_config(text, "alerts.yaml", environment);
//   ConfigMapView top = file->root().map("the file");
//   for (ConfigEntryView entry : top.get("rules").entries()) {
//     ConfigMapView rule = entry.value.map("rule '" + entry.key + "'");
//     auto source = rule.require("source").text();
//     auto dedupe = rule.get("dedupe_for").duration().value_or(30min);
//     rule.finish();
//   }
//   top.finish();
//   file->throw_mistakes();
//
// A getter returns nothing where the key is absent, null or wrong; what is wrong
// is noted in the document. Pure: the environment comes in as a function.
#pragma once

#include <celeriac/json.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace celeriac {

// Something wrong at a place. Lines and columns count from 1; what is in no file has line 0, and
// `file` names its origin: a variable or an option.
struct ConfigMistake {
  std::string file;
  int line = 1, column = 1;
  std::string text;
};

// `alerts.yaml:12:5: unknown key 'dedup_for' in rule 'cpu'; did you mean 'dedupe_for'?`
std::string to_string(const ConfigMistake& mistake);

// The value of an environment variable, or nothing if it is not set.
using ConfigEnvironment = std::function<std::optional<std::string>(const std::string& name)>;

// The name that a misspelt one most likely means, or nothing if none is near.
std::optional<std::string> nearest_name(std::string_view misspelt,
                                        const std::vector<std::string>& names);

// A duration as people write it: `30s`, `500ms`, `5m`, `2h`, `1d`, `1h30m`, or seconds as a number.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// A size in bytes: `4096`, `64k`, `12MB`, `1GiB`; every unit is a power of 1024.
std::optional<std::uint64_t> parse_size(std::string_view text);

// One value of the file. Scalars are kept as written, `${VAR}` expanded.
struct ConfigNode {
  enum class Kind { null, scalar, list, map };
  using Member = std::pair<ConfigNode, ConfigNode>;  // key (a scalar) and value

  Kind kind = Kind::null;
  int line = 1, column = 1;
  std::string text;               // of a scalar
  bool quoted = false;            // written in quotes, or as a block
  bool from_environment = false;  // came from a variable: may be a secret, is never shown
  std::vector<ConfigNode> items;  // of a list
  std::vector<Member> members;    // of a map, in writing order, keys unique

  // The value as YAML types it: plain `5`, `1.5`, `true` are no strings.
  Json to_json() const;
};

class ConfigMapView;
struct ConfigEntryView;

// A value under a name, or the absence of one. Borrows the document.
class ConfigValueView {
 public:
  // True if there is a value and it is not null.
  bool present() const { return node_ != nullptr && node_->kind != ConfigNode::Kind::null; }
  // True if the key was written, even as null.
  bool written() const { return node_ != nullptr; }
  bool is_map() const { return present() && node_->kind == ConfigNode::Kind::map; }
  bool is_list() const { return present() && node_->kind == ConfigNode::Kind::list; }
  bool is_scalar() const { return present() && node_->kind == ConfigNode::Kind::scalar; }
  // Null where the value is absent.
  const ConfigNode* node() const { return node_; }
  // `dedupe_for of rule 'cpu'`, as mistakes name it.
  const std::string& name() const { return name_; }

  std::optional<std::string> text() const;
  std::optional<bool> flag() const;
  std::optional<std::int64_t> integer(
      std::int64_t least = std::numeric_limits<std::int64_t>::min(),
      std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  std::optional<double> number(double least = -std::numeric_limits<double>::infinity(),
                               double most = std::numeric_limits<double>::infinity()) const;
  std::optional<std::chrono::milliseconds> duration(
      std::chrono::milliseconds least = std::chrono::milliseconds(0),
      std::chrono::milliseconds most = std::chrono::milliseconds::max()) const;
  std::optional<std::uint64_t> size() const;
  // The value of the name that is written, out of these.
  template <class E>
  std::optional<E> one_of(const std::vector<std::pair<std::string, E>>& choices) const {
    std::vector<std::string> names;
    for (const auto& choice : choices) names.push_back(choice.first);
    const auto index = index_of(names);
    if (!index) return std::nullopt;
    return choices[*index].second;
  }
  // The same by position.
  std::optional<std::size_t> index_of(const std::vector<std::string>& names) const;

  // The elements of a list; of nothing, none.
  std::vector<ConfigValueView> items() const;
  // The same, where a single value stands for a list of one.
  std::vector<ConfigValueView> items_or_one() const;
  // A list of strings; a single string stands for a list of one.
  std::vector<std::string> texts() const;
  // The members of a map whose keys are the user's own names, in writing order.
  std::vector<ConfigEntryView> entries() const;
  // The map whose keys we know; `what` names it in mistakes ("rule 'cpu'"). Of
  // nothing, an empty map that is not present.
  ConfigMapView map(std::string what) const;
  // As YAML types it; null where absent.
  Json json() const { return node_ ? node_->to_json() : Json(); }

  // Notes a mistake at this value's place, or where it should have been.
  void mistake(std::string text) const;
  // The value for a mistake's text: `'5x'`, or that it came from the environment.
  std::string shown() const;

 private:
  friend class ConfigMapView;
  friend class ConfigDocument;
  ConfigValueView(const ConfigNode* node, const ConfigNode* around, std::string name,
                  class ConfigDocument& document)
      : node_(node), around_(around), name_(std::move(name)), document_(&document) {}

  template <class T>
  std::optional<T> checked(std::optional<T> value, std::string_view must_be) const;

  const ConfigNode* node_;    // null: absent
  const ConfigNode* around_;  // the map or list it should stand in
  std::string name_;
  class ConfigDocument* document_;
};

// A map whose keys are known. It remembers which were asked for; what is left
// over at `finish` is unknown.
class ConfigMapView {
 public:
  // False if there is no such map in the file.
  bool present() const { return node_ != nullptr; }

  ConfigValueView get(std::string_view key);
  // The same; that it is absent or null is a mistake.
  ConfigValueView require(std::string_view key);
  // Notes every key that was not asked for. `also` are keys that are read elsewhere.
  void finish(const std::vector<std::string>& also = {});
  void mistake(std::string text) const;

 private:
  friend class ConfigValueView;
  ConfigMapView(const ConfigNode* node, const ConfigNode* around, std::string what,
                class ConfigDocument& document)
      : node_(node), around_(around), what_(std::move(what)), document_(&document) {}

  const ConfigNode* node_;
  const ConfigNode* around_;
  std::string what_;
  std::set<std::string, std::less<>> known_;
  class ConfigDocument* document_;
};

// A member of a map with keys of the user's own.
struct ConfigEntryView {
  std::string key;
  ConfigValueView value;
};

// A file that was read, and the mistakes found in it so far. The views into it
// hold its address: it does not move.
class ConfigDocument {
 public:
  explicit ConfigDocument(std::string file) : file_(std::move(file)) {}
  ConfigDocument(const ConfigDocument&) = delete;
  ConfigDocument& operator=(const ConfigDocument&) = delete;

  const std::string& file() const { return file_; }
  ConfigValueView root() { return root("the file"); }
  // The same under another name.
  ConfigValueView root(std::string name) { return {&root_, &root_, std::move(name), *this}; }
  const ConfigNode& root_node() const { return root_; }

  void mistake(int line, int column, std::string text);
  // A mistake after which no other is noted at its place: a variable without a value says all that
  // there is to say about it.
  void unset(int line, int column, std::string text);
  // In the order of their places.
  std::vector<ConfigMistake> mistakes() const;
  bool ok() const { return mistakes_.empty(); }
  // Throws ConfigError with one line for each mistake, if there is any.
  void throw_mistakes() const;

 private:
  friend std::unique_ptr<ConfigDocument> read_config(std::string_view, std::string,
                                                     const ConfigEnvironment&);
  friend std::unique_ptr<ConfigDocument> config_of_text(std::string, std::string);

  std::string file_;
  ConfigNode root_;
  std::vector<ConfigMistake> mistakes_;
  std::set<std::pair<int, int>> unset_;
};

// Reads one YAML document. Syntax errors, duplicate keys and variables that are
// not set are mistakes of the result; what could not be read is null.
//
// `${NAME}` in a value is the variable's value, `${NAME:-default}` the default where
// it is unset or empty, `$${` a literal `${`. Aliases and `<<` merges work as in PyYAML.
std::unique_ptr<ConfigDocument> read_config(std::string_view text, std::string file,
                                            const ConfigEnvironment& environment);

// One value that was written elsewhere, as in a variable or an option: `origin` takes the place
// of the file, and nothing is expanded.
std::unique_ptr<ConfigDocument> config_of_text(std::string text, std::string origin);

}  // namespace celeriac
