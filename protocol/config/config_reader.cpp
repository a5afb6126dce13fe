#include <celeriac/config_reader.h>
#include <celeriac/error.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <istream>
#include <map>
#include <sstream>
#include <streambuf>

namespace celeriac {
namespace {

// Aliases copy what they name; this bounds what a few lines may grow to.
constexpr std::size_t kMaxNodes = 1'000'000;

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

// The number of insertions, deletions, replacements and swaps of neighbours
// between two words.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::optional<bool> parse_flag(std::string_view text) {
  const std::string word = lower(text);
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  return std::nullopt;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> parse_finite(std::string_view text) {
  const auto number = parse_number<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::string shortest(double number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return std::string(digits.data(), end);
}

std::string shown_duration(std::chrono::milliseconds duration) {
  return shortest(static_cast<double>(duration.count()) / 1000) + " s";
}

bool is_name_start(char c) {
  return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

// A `${NAME}` or `${NAME:-default}` that starts at `from`, which is at the `$`.
struct Variable {
  std::string name;
  std::optional<std::string> fallback;
  std::size_t end;  // one behind the closing brace
};
std::optional<Variable> variable_at(std::string_view text, std::size_t from) {
  std::size_t at = from + 2;
  if (at >= text.size() || !is_name_start(text[at])) return std::nullopt;
  const std::size_t name = at;
  while (at < text.size() && is_name_part(text[at])) ++at;
  Variable variable{std::string(text.substr(name, at - name)), std::nullopt, 0};
  if (text.substr(at, 2) == ":-") {
    const std::size_t close = text.find('}', at);
    if (close == std::string_view::npos) return std::nullopt;
    variable.fallback = std::string(text.substr(at + 2, close - at - 2));
    at = close;
  }
  if (at >= text.size() || text[at] != '}') return std::nullopt;
  variable.end = at + 1;
  return variable;
}

// Builds the tree from the parser's events, which know the place of each.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(ConfigDocument& document, const ConfigEnvironment& environment)
      : document_(document), environment_(environment) {}

  ConfigNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    complete(at(mark, ConfigNode::Kind::null), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      document_.mistake(mark.line + 1, mark.column + 1,
                        "this alias names a value that contains it");
      complete(at(mark, ConfigNode::Kind::null), 0);
      return;
    }
    nodes_ += known->second.size;
    if (nodes_ > kMaxNodes) {
      throw YAML::ParserException(mark, "the aliases grow to more than a million values");
    }
    complete(known->second.node, 0);
  }

  // yaml-cpp tags a plain scalar "?" and a quoted one "!".
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    ConfigNode node = at(mark, ConfigNode::Kind::scalar);
    node.quoted = tag != "?" && tag != "";
    node.text = value;
    if (!expects_key()) expand(node);
    if (!node.quoted && (node.text == "~" || node.text == "null" || node.text == "Null" ||
                         node.text == "NULL" || (node.text.empty() && node.from_environment))) {
      node.kind = ConfigNode::Kind::null;
    }
    complete(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back({at(mark, ConfigNode::Kind::list), anchor, nodes_, {}});
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back({at(mark, ConfigNode::Kind::map), anchor, nodes_, {}});
  }
  void OnMapEnd() override {
    merge(open_.back().node);
    close();
  }

 private:
  struct Open {
    ConfigNode node;
    YAML::anchor_t anchor;
    std::size_t nodes_before;
    std::optional<ConfigNode> key;  // a map's key that waits for its value
  };
  struct Anchored {
    ConfigNode node;
    std::size_t size;
  };

  static ConfigNode at(const YAML::Mark& mark, ConfigNode::Kind kind) {
    ConfigNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().node.kind == ConfigNode::Kind::map && !open_.back().key;
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    complete(std::move(done.node), done.anchor, nodes_ - done.nodes_before);
  }

  void complete(ConfigNode node, YAML::anchor_t anchor, std::size_t size = 0) {
    ++nodes_;
    if (anchor != 0) anchors_[anchor] = {node, size + 1};
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (open_.back().node.kind == ConfigNode::Kind::list) {
      open_.back().node.items.push_back(std::move(node));
    } else if (!open_.back().key) {
      open_.back().key = std::move(node);
    } else {
      ConfigNode key = std::move(*open_.back().key);
      open_.back().key.reset();
      add_member(open_.back().node, std::move(key), std::move(node));
    }
  }

  void add_member(ConfigNode& map, ConfigNode key, ConfigNode value) {
    if (key.kind == ConfigNode::Kind::list || key.kind == ConfigNode::Kind::map) {
      document_.mistake(key.line, key.column, "a key must be a plain name, not a list or a map");
      return;
    }
    const bool merge_key = key.text == "<<" && !key.quoted;
    for (const auto& [other, unused] : map.members) {
      if (other.text != key.text || merge_key) continue;
      document_.mistake(key.line, key.column,
                        "duplicate key '" + key.text + "'; it was first written on line " +
                            std::to_string(other.line));
      return;
    }
    // The parser places an empty value at the next token.
    if (value.kind == ConfigNode::Kind::null && value.line != key.line) {
      value.line = key.line;
      value.column = key.column;
    }
    map.members.emplace_back(std::move(key), std::move(value));
  }

  // `<<: *defaults` adds the members that the map does not have itself.
  void merge(ConfigNode& map) {
    std::vector<ConfigNode::Member> own, merged;
    for (auto& member : map.members) {
      const bool merge_key = member.first.text == "<<" && !member.first.quoted;
      if (!merge_key) {
        own.push_back(std::move(member));
      } else if (member.second.kind == ConfigNode::Kind::list) {
        for (auto& source : member.second.items) collect_merged(source, merged);
      } else {
        collect_merged(member.second, merged);
      }
    }
    for (auto& member : merged) {
      const bool present = std::any_of(own.begin(), own.end(), [&](const auto& other) {
        return other.first.text == member.first.text;
      });
      if (!present) own.push_back(std::move(member));
    }
    map.members = std::move(own);
  }

  void collect_merged(ConfigNode& source, std::vector<ConfigNode::Member>& merged) {
    if (source.kind != ConfigNode::Kind::map) {
      document_.mistake(source.line, source.column, "'<<' takes a map, or a list of maps");
      return;
    }
    for (auto& member : source.members) merged.push_back(std::move(member));
  }

  void expand(ConfigNode& node) {
    std::string result;
    std::size_t from = 0;
    while (true) {
      const std::size_t dollar = node.text.find("${", from);
      if (dollar == std::string::npos) break;
      if (dollar > from && node.text[dollar - 1] == '$') {
        result.append(node.text, from, dollar - from).append("{");
        from = dollar + 2;
        continue;
      }
      result.append(node.text, from, dollar - from);
      const auto variable = variable_at(node.text, dollar);
      if (!variable) {
        check_closed(node, dollar);
        result += "${";
        from = dollar + 2;
        continue;
      }
      result += value_of(*variable, node);
      from = variable->end;
    }
    result.append(node.text, from);
    node.text = std::move(result);
  }

  // Other languages write `${` too, Flux for one; a name without its brace is a slip.
  void check_closed(const ConfigNode& node, std::size_t dollar) {
    const bool named = dollar + 2 < node.text.size() && is_name_start(node.text[dollar + 2]);
    if (!named || node.text.find('}', dollar) != std::string::npos) return;
    document_.mistake(node.line, node.column,
                      "a variable without its }; write ${NAME}, or $${ to mean the text itself");
  }

  std::string value_of(const Variable& variable, ConfigNode& node) {
    auto value = environment_ ? environment_(variable.name) : std::nullopt;
    if (value && !(value->empty() && variable.fallback)) {
      node.from_environment = true;
      return *value;
    }
    if (variable.fallback) return *variable.fallback;
    document_.unset(node.line, node.column,
                    "the environment variable '" + variable.name +
                        "' is not set; set it, give a default with ${" + variable.name +
                        ":-default}, or write $${" + variable.name + "} to mean the text itself");
    node.from_environment = true;
    return "";
  }

  ConfigDocument& document_;
  const ConfigEnvironment& environment_;
  ConfigNode root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
};

// Looks whether anything stands behind the first document.
class SecondDocument : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> found;

  void OnDocumentStart(const YAML::Mark& mark) override { found = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// What to do about a text that yaml-cpp cannot read, by its words.
std::string_view syntax_remedy(std::string_view message) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kRemedies = {{
      {"end of map flow", "close the {"},
      {"end of sequence flow", "close the ["},
      {"EOF in scalar", "close the quote"},
      {"anchor is not defined", "write & and the name before the value that is meant"},
      {"illegal map value", "check the indentation, and quote a value that holds \": \""},
  }};
  for (const auto& [words, remedy] : kRemedies) {
    if (message.find(words) != std::string_view::npos) return remedy;
  }
  return "check the indentation, the quotes and the brackets";
}

// The last tab in the indentation of the lines up to this one: yaml-cpp stumbles over it later,
// and in other words.
std::optional<YAML::Mark> indenting_tab(std::string_view text, int last_line) {
  std::optional<YAML::Mark> found;
  int line = 0;
  for (std::size_t start = 0; start < text.size() && line <= last_line; ++line) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view content = text.substr(start, end - start);
    const std::size_t indent = std::min(content.find_first_not_of(" \t"), content.size());
    const std::size_t tab = content.substr(0, indent).find('\t');
    if (tab != std::string_view::npos && indent < content.size()) {
      found.emplace();
      found->line = line;
      found->column = static_cast<int>(tab);
    }
    start = end + 1;
  }
  return found;
}

Json scalar_to_json(const ConfigNode& node) {
  if (node.quoted) return node.text;
  if (const auto flag = parse_flag(node.text)) return *flag;
  if (const auto integer = parse_number<std::int64_t>(node.text)) return *integer;
  if (const auto number = parse_finite(node.text)) return *number;
  return node.text;
}

struct Unit {
  std::string_view name;
  double scale;
};

// The number and the unit at the front of `text`, both removed from it.
std::optional<std::pair<double, std::string_view>> take_quantity(std::string_view& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = parse_finite(text.substr(0, digits));
  if (!number) return std::nullopt;
  text.remove_prefix(digits);
  const std::size_t unit = std::min(text.find_first_of("0123456789. "), text.size());
  const std::pair quantity{*number, text.substr(0, unit)};
  text.remove_prefix(unit);
  return quantity;
}

}  // namespace

std::string to_string(const ConfigMistake& mistake) {
  if (mistake.line == 0) return mistake.file + ": " + mistake.text;
  return mistake.file + ":" + std::to_string(mistake.line) + ":" + std::to_string(mistake.column) +
         ": " + mistake.text;
}

std::optional<std::string> nearest_name(std::string_view misspelt,
                                        const std::vector<std::string>& names) {
  const std::string word = lower(misspelt);
  std::size_t best = std::max<std::size_t>(1, std::min<std::size_t>(4, word.size() / 3)) + 1;
  std::optional<std::string> nearest;
  for (const auto& name : names) {
    // Settings are often meant without their first word: worker_, task_, broker_.
    const std::string known = lower(name);
    const std::string_view tail = std::string_view(known).substr(known.find('_') + 1);
    const std::size_t distance = std::min(edit_distance(word, known), edit_distance(word, tail));
    if (distance >= best) continue;
    best = distance;
    nearest = name;
  }
  return nearest;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::array<Unit, 6> kUnits{
      {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}}};
  constexpr double kMostSeconds = 9.0e12;  // what milliseconds can hold, and to spare
  if (text.empty()) return std::nullopt;
  if (const auto seconds = parse_finite(text)) {
    if (*seconds < 0 || *seconds > kMostSeconds) return std::nullopt;
    return std::chrono::milliseconds(std::llround(*seconds * 1000));
  }
  double seconds = 0;
  while (!text.empty()) {
    const auto quantity = take_quantity(text);
    if (!quantity) return std::nullopt;
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& u) { return u.name == quantity->second; });
    if (unit == kUnits.end()) return std::nullopt;
    seconds += quantity->first * unit->scale;
  }
  if (seconds > kMostSeconds) return std::nullopt;
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  static constexpr std::array<Unit, 5> kUnits{
      {{"", 1}, {"k", 1024.0}, {"m", 1048576.0}, {"g", 1073741824.0}, {"t", 1099511627776.0}}};
  const auto quantity = take_quantity(text);
  if (!quantity || !text.empty()) return std::nullopt;
  std::string unit = lower(quantity->second);
  if (unit.ends_with("ib") && unit.size() == 3) unit.resize(1);
  if (unit.ends_with("b")) unit.pop_back();
  const auto scale =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == unit; });
  if (scale == kUnits.end()) return std::nullopt;
  const double bytes = quantity->first * scale->scale;
  if (bytes > 9.0e18) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

Json ConfigNode::to_json() const {
  switch (kind) {
    case Kind::null:
      return {};
    case Kind::scalar:
      return scalar_to_json(*this);
    case Kind::list: {
      Json::Array array;
      for (const auto& item : items) array.push_back(item.to_json());
      return array;
    }
    case Kind::map: {
      JsonObject object;
      for (const auto& [key, value] : members) object.set(key.text, value.to_json());
      return object;
    }
  }
  return {};
}

void ConfigValueView::mistake(std::string text) const {
  const ConfigNode* place = node_ ? node_ : around_;
  document_->mistake(place->line, place->column, std::move(text));
}

std::string ConfigValueView::shown() const {
  if (!node_) return "missing";
  switch (node_->kind) {
    case ConfigNode::Kind::null:
      return "null";
    case ConfigNode::Kind::list:
      return "a list";
    case ConfigNode::Kind::map:
      return "a map";
    case ConfigNode::Kind::scalar:
      break;
  }
  if (node_->from_environment) return "a value from the environment (not shown)";
  constexpr std::size_t kMost = 60;
  return "'" + node_->text.substr(0, kMost) + (node_->text.size() > kMost ? "…'" : "'");
}

template <class T>
std::optional<T> ConfigValueView::checked(std::optional<T> value, std::string_view must_be) const {
  if (!value && present()) {
    mistake(name_ + " is " + shown() + "; it must be " + std::string(must_be));
  }
  return value;
}

std::optional<std::string> ConfigValueView::text() const {
  std::optional<std::string> value;
  if (is_scalar()) value = node_->text;
  return checked(std::move(value), "a text");
}

std::optional<bool> ConfigValueView::flag() const {
  return checked(is_scalar() ? parse_flag(node_->text) : std::nullopt, "true or false");
}

std::optional<std::int64_t> ConfigValueView::integer(std::int64_t least, std::int64_t most) const {
  auto value = is_scalar() ? parse_number<std::int64_t>(node_->text) : std::nullopt;
  if (value && (*value < least || *value > most)) value.reset();
  std::string must_be = "a whole number";
  const bool bounded_below = least != std::numeric_limits<std::int64_t>::min();
  if (bounded_below && most != std::numeric_limits<std::int64_t>::max()) {
    must_be += " from " + std::to_string(least) + " to " + std::to_string(most);
  } else if (bounded_below) {
    must_be += " of at least " + std::to_string(least);
  }
  return checked(value, must_be);
}

std::optional<double> ConfigValueView::number(double least, double most) const {
  auto value = is_scalar() ? parse_finite(node_->text) : std::nullopt;
  if (value && (*value < least || *value > most)) value.reset();
  std::string must_be = "a number";
  if (std::isfinite(least) && std::isfinite(most)) {
    must_be += " from " + shortest(least) + " to " + shortest(most);
  } else if (std::isfinite(least)) {
    must_be += " of at least " + shortest(least);
  }
  return checked(value, must_be);
}

std::optional<std::chrono::milliseconds> ConfigValueView::duration(
    std::chrono::milliseconds least, std::chrono::milliseconds most) const {
  auto value = is_scalar() ? parse_duration(node_->text) : std::nullopt;
  std::string must_be = "a duration such as 30s, 5m, 2h or 1d, or a number of seconds";
  if (value && *value < least) {
    must_be = "at least " + shown_duration(least);
    value.reset();
  } else if (value && *value > most) {
    must_be = "at most " + shown_duration(most);
    value.reset();
  }
  return checked(value, must_be);
}

std::optional<std::uint64_t> ConfigValueView::size() const {
  return checked(is_scalar() ? parse_size(node_->text) : std::nullopt,
                 "a size such as 4096, 64k or 12MB");
}

std::optional<std::size_t> ConfigValueView::index_of(const std::vector<std::string>& names) const {
  if (!present()) return std::nullopt;
  if (is_scalar()) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == node_->text) return i;
    }
  }
  std::string text = name_ + " is " + shown() + "; ";
  const auto nearest =
      is_scalar() && !node_->from_environment ? nearest_name(node_->text, names) : std::nullopt;
  text += nearest ? "did you mean '" + *nearest + "'? It takes " : "it must be ";
  mistake(text + join(names));
  return std::nullopt;
}

std::vector<ConfigValueView> ConfigValueView::items() const {
  std::vector<ConfigValueView> views;
  if (!present()) return views;
  if (!is_list()) {
    mistake(name_ + " is " + shown() + "; it must be a list");
    return views;
  }
  for (std::size_t i = 0; i < node_->items.size(); ++i) {
    views.push_back(
        {&node_->items[i], node_, "item " + std::to_string(i + 1) + " of " + name_, *document_});
  }
  return views;
}

std::vector<ConfigValueView> ConfigValueView::items_or_one() const {
  if (present() && !is_list()) return {*this};
  return items();
}

std::vector<std::string> ConfigValueView::texts() const {
  std::vector<std::string> result;
  for (const auto& item : items_or_one()) {
    if (!item.present()) {
      item.mistake(item.name() + " is null; it must be a text");
    } else if (auto text = item.text()) {
      result.push_back(std::move(*text));
    }
  }
  return result;
}

std::vector<ConfigEntryView> ConfigValueView::entries() const {
  std::vector<ConfigEntryView> views;
  if (!present()) return views;
  if (!is_map()) {
    mistake(name_ + " is " + shown() + "; it must be a map of names to values");
    return views;
  }
  for (const auto& [key, value] : node_->members) {
    views.push_back({key.text, {&value, node_, "'" + key.text + "' of " + name_, *document_}});
  }
  return views;
}

ConfigMapView ConfigValueView::map(std::string what) const {
  if (present() && !is_map()) {
    mistake(what + " is " + shown() + "; it must be a map of settings");
  }
  return {is_map() ? node_ : nullptr, node_ ? node_ : around_, std::move(what), *document_};
}

ConfigValueView ConfigMapView::get(std::string_view key) {
  known_.insert(std::string(key));
  const ConfigNode* value = nullptr;
  if (node_) {
    for (const auto& member : node_->members) {
      if (member.first.text == key) value = &member.second;
    }
  }
  return {value, node_ ? node_ : around_, std::string(key) + " of " + what_, *document_};
}

ConfigValueView ConfigMapView::require(std::string_view key) {
  ConfigValueView value = get(key);
  if (!node_ || value.present()) return value;
  value.mistake(value.written() ? value.name() + " is empty; give it a value"
                                : what_ + " has no '" + std::string(key) + "'; add it");
  return value;
}

void ConfigMapView::finish(const std::vector<std::string>& also) {
  if (!node_) return;
  known_.insert(also.begin(), also.end());
  const std::vector<std::string> names(known_.begin(), known_.end());
  for (const auto& [key, value] : node_->members) {
    if (known_.contains(key.text)) continue;
    std::string text = "unknown key '" + key.text + "' in " + what_;
    constexpr std::size_t kFew = 12;
    if (const auto nearest = nearest_name(key.text, names)) {
      text += "; did you mean '" + *nearest + "'?";
    } else if (names.size() <= kFew && !names.empty()) {
      text += "; it takes " + join(names);
    } else {
      text += "; look its name up, or remove it";
    }
    document_->mistake(key.line, key.column, std::move(text));
  }
}

void ConfigMapView::mistake(std::string text) const {
  const ConfigNode* place = node_ ? node_ : around_;
  document_->mistake(place->line, place->column, std::move(text));
}

void ConfigDocument::unset(int line, int column, std::string text) {
  mistake(line, column, std::move(text));
  unset_.emplace(line, column);
}

void ConfigDocument::mistake(int line, int column, std::string text) {
  if (unset_.contains({line, column})) return;
  mistakes_.push_back({file_, line, column, std::move(text)});
}

std::vector<ConfigMistake> ConfigDocument::mistakes() const {
  std::vector<ConfigMistake> sorted = mistakes_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  return sorted;
}

void ConfigDocument::throw_mistakes() const {
  if (ok()) return;
  std::string text;
  for (const auto& mistake : mistakes()) {
    if (!text.empty()) text += "\n";
    text += to_string(mistake);
  }
  throw ConfigError(text);
}

namespace {

void note_syntax_error(ConfigDocument& document, std::string_view text,
                       const YAML::Exception& error) {
  const YAML::Mark place = error.mark.is_null() ? YAML::Mark() : error.mark;
  if (const auto tab = indenting_tab(text, place.line)) {
    document.mistake(tab->line + 1, tab->column + 1,
                     "a tab indents this line; YAML takes blanks alone");
    return;
  }
  document.mistake(
      place.line + 1, place.column + 1,
      "this is not valid YAML: " + error.msg + "; " + std::string(syntax_remedy(error.msg)));
}

}  // namespace

std::unique_ptr<ConfigDocument> read_config(std::string_view text, std::string file,
                                            const ConfigEnvironment& environment) {
  auto document = std::make_unique<ConfigDocument>(std::move(file));
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(*document, environment);
    parser.HandleNextDocument(builder);
    document->root_ = builder.take_root();
    SecondDocument second;
    parser.HandleNextDocument(second);
    if (second.found) {
      document->mistake(second.found->line + 1, second.found->column + 1,
                        "a second document begins here, and only one is read; join them");
    }
  } catch (const YAML::DeepRecursion& error) {
    document->mistake(error.mark.line + 1, error.mark.column + 1,
                      "values are nested too deeply here; close the brackets");
  } catch (const YAML::Exception& error) {
    note_syntax_error(*document, text, error);
  }
  return document;
}

std::unique_ptr<ConfigDocument> config_of_text(std::string text, std::string origin) {
  auto document = std::make_unique<ConfigDocument>(std::move(origin));
  document->root_.kind = ConfigNode::Kind::scalar;
  document->root_.text = std::move(text);
  document->root_.line = document->root_.column = 0;
  return document;
}

}  // namespace celeriac
