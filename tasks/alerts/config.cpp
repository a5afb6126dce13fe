#include "tasks/alerts/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "tasks/alerts/cron.h"
#include "tasks/alerts/sources/influxdb1.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kAnyCount = std::numeric_limits<std::int64_t>::max();

template <class T>
std::vector<std::string> names_of(const std::map<std::string, T>& named) {
  std::vector<std::string> names;
  for (const auto& [name, value] : named) names.push_back(name);
  return names;
}

// Notes that a name leads nowhere, with the one that was probably meant.
void check_reference(const ConfigValueView& value, const std::string& name, std::string_view kind,
                     const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  std::string text = "there is no " + std::string(kind) + " '" + name + "'";
  if (const auto nearest = nearest_name(name, known)) {
    text += "; did you mean '" + *nearest + "'?";
  } else {
    text += "; describe it under `" + std::string(kind) + "s`";
  }
  value.mistake(std::move(text));
}

// A text that must say something: a variable may well be set and empty.
std::string require_text(ConfigMapView& map, std::string_view key) {
  const auto value = map.require(key);
  auto text = value.text().value_or("");
  const bool blank = text.find_first_not_of(" \t\r\n") == std::string::npos;
  if (value.is_scalar() && blank) value.mistake(value.name() + " is empty; give it a value");
  return text;
}

// What no HTTP client can reach, or nothing.
std::optional<std::string> address_mistake(std::string_view url) {
  if (url.find_first_of(" \t\r\n") != std::string_view::npos) return "holds a blank; remove it";
  auto host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  const auto bracket = host.rfind(']');
  const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (host.empty() || colon == 0) return "names no host; write it like http://host:8086";
  if (colon == std::string_view::npos) return std::nullopt;
  const auto digits = host.substr(colon + 1);
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool number = error == std::errc() && end == digits.data() + digits.size();
  if (number && port >= 1 && port <= 65535) return std::nullopt;
  return "has a port that is none; it must be 1 to 65535";
}

// An http(s) address without the slash at its end. What is wrong is told without showing it: it
// may hold a token.
std::string read_url(ConfigMapView& map) {
  auto url = require_text(map, "url");
  if (url.empty()) return url;
  const auto value = map.get("url");
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    value.mistake(value.name() + " is no address; it must begin with http:// or https://");
  } else if (const auto wrong = address_mistake(url)) {
    value.mistake(value.name() + " " + *wrong);
  }
  while (url.ends_with('/')) url.pop_back();
  return url;
}

Template read_template(const ConfigValueView& value) {
  const auto text = value.text();
  if (!text) return {};
  auto parsed = Template::parse(*text);
  if (const auto* mistake = std::get_if<Mistake>(&parsed)) {
    value.mistake(value.name() + " has " + mistake->text);
    return {};
  }
  return std::get<Template>(std::move(parsed));
}

// A name with nothing behind it.
void refuse_nothing(const ConfigEntryView& entry, const std::string& what) {
  if (!entry.value.present()) entry.value.mistake(what + " is empty; describe it, or remove it");
}

Source read_source(const ConfigEntryView& entry) {
  Source source;
  source.name = entry.key;
  const auto what = "source '" + entry.key + "'";
  refuse_nothing(entry, what);
  auto map = entry.value.map(what);
  const auto kind =
      map.require("kind").one_of<Source::Kind>({{"influxdb1", Source::Kind::influxdb1},
                                                {"influxdb2", Source::Kind::influxdb2},
                                                {"influxdb3", Source::Kind::influxdb3}});
  source.kind = kind.value_or(Source::Kind::influxdb1);
  source.url = read_url(map);
  const bool flux = kind == Source::Kind::influxdb2;
  const bool influxql = kind == Source::Kind::influxdb1;
  if (kind && !flux) source.database = require_text(map, "database");
  if (kind && flux) source.org = require_text(map, "org");
  if (!kind) {  // of an unknown kind nothing can be said
    static_cast<void>(map.get("database"));
    static_cast<void>(map.get("org"));
  }
  if (!kind || influxql) {
    source.retention_policy = map.get("retention_policy").text().value_or("");
    source.username = map.get("username").text().value_or("");
    source.password = map.get("password").text().value_or("");
  }
  if (!kind || !influxql) source.token = map.get("token").text().value_or("");
  map.finish();
  return source;
}

Rate default_rate(Channel::Kind kind) {
  switch (kind) {
    case Channel::Kind::lark:
      return {4, 90};  // of 5 and 100, which others may use too
    case Channel::Kind::slack:
      return {1, 0};
    case Channel::Kind::webhook:
      return {};
  }
  return {};
}

Channel read_channel(const ConfigEntryView& entry) {
  Channel channel;
  channel.name = entry.key;
  const auto what = "channel '" + entry.key + "'";
  refuse_nothing(entry, what);
  auto map = entry.value.map(what);
  const auto kind =
      map.require("kind").one_of<Channel::Kind>({{"lark", Channel::Kind::lark},
                                                 {"feishu", Channel::Kind::lark},
                                                 {"slack", Channel::Kind::slack},
                                                 {"webhook", Channel::Kind::webhook}});
  channel.kind = kind.value_or(Channel::Kind::lark);
  channel.url = read_url(map);
  if (kind != Channel::Kind::slack) channel.secret = map.get("secret").text().value_or("");
  if (!kind || kind == Channel::Kind::lark) {
    channel.format = map.get("format")
                         .one_of<Channel::Format>({{"text", Channel::Format::text},
                                                   {"post", Channel::Format::post},
                                                   {"card", Channel::Format::card}})
                         .value_or(Channel::Format::post);
  }
  channel.timeout = map.get("timeout").duration(1ms, 5min).value_or(10s);
  channel.rate = default_rate(channel.kind);
  auto rate = map.get("rate").map("rate of channel '" + entry.key + "'");
  if (rate.present()) {
    channel.rate.per_second = rate.get("per_second").integer(0, 1000).value_or(0);
    channel.rate.per_minute = rate.get("per_minute").integer(0, 1000).value_or(0);
    rate.finish();
  }
  map.finish();
  return channel;
}

Operator read_operator(ConfigMapView& map) {
  const auto op = map.require("op").one_of<Operator>({{"<", Operator::less},
                                                      {"<=", Operator::less_equal},
                                                      {">", Operator::greater},
                                                      {">=", Operator::greater_equal},
                                                      {"==", Operator::equal},
                                                      {"!=", Operator::not_equal}});
  return op.value_or(Operator::less);
}

Compare read_compare(ConfigMapView& map) {
  Compare compare;
  compare.value = require_text(map, "value");
  compare.op = read_operator(map);
  const auto than = map.require("than").number();
  compare.than = than.value_or(0);
  const auto recover = map.get("recover");
  compare.recover = recover.number();
  if (!compare.recover || !than) return compare;
  const bool downwards = compare.op == Operator::less || compare.op == Operator::less_equal;
  const bool upwards = compare.op == Operator::greater || compare.op == Operator::greater_equal;
  if (!downwards && !upwards) {
    recover.mistake("`recover` goes with <, <=, > and >= only; remove it");
  } else if (downwards ? *compare.recover > *than : *compare.recover < *than) {
    recover.mistake("`recover` must lie on the normal side of `than`: at " +
                    std::string(downwards ? "most" : "least") + " " + cell_text(Json(*than)));
  }
  return compare;
}

Range read_range(ConfigMapView& map) {
  Range range;
  range.value = require_text(map, "value");
  range.min = map.get("min").number();
  range.max = map.get("max").number();
  range.normal = map.get("normal")
                     .one_of<Range::Normal>(
                         {{"inside", Range::Normal::inside}, {"outside", Range::Normal::outside}})
                     .value_or(Range::Normal::inside);
  if (!range.min && !range.max) map.mistake("a range needs `min`, `max` or both");
  if (range.min && range.max && *range.min > *range.max) {
    map.get("min").mistake("`min` is greater than `max`; swap them");
  }
  return range;
}

Deadman read_deadman(ConfigMapView& map) {
  Deadman deadman;
  deadman.max_age = map.get("max_age").duration(1s);
  for (const auto& item : map.get("groups").items()) {
    JsonObject group;
    for (const auto& label : item.entries()) {
      if (const auto text = label.value.text()) group.set(label.key, *text);
    }
    if (group.empty()) item.mistake("a group is written as its labels, like { host: a }");
    deadman.groups.push_back(std::move(group));
  }
  return deadman;
}

Count read_count(ConfigMapView& map) {
  Count count;
  count.op = read_operator(map);
  count.than = map.require("than").number(0).value_or(0);
  return count;
}

Equals read_equals(ConfigMapView& map) {
  Equals equals;
  equals.value = require_text(map, "value");
  const auto to = map.require("to");
  if (to.is_list() && to.items().empty()) to.mistake("`to` names no value; name at least one");
  for (const auto& item : to.items_or_one()) {
    if (item.is_scalar()) {
      equals.to.push_back(item.json());
    } else {
      item.mistake("`to` takes a text, a number, true or false, or a list of these");
    }
  }
  return equals;
}

Expectation read_expectation(const ConfigValueView& value, const std::string& rule) {
  static const std::vector<std::string> kKinds = {"compare", "range", "deadman", "count", "equals"};
  Expectation expectation;
  if (!value.present()) return expectation;
  const auto entries = value.entries();
  if (!value.is_map()) return expectation;
  if (entries.size() != 1) {
    value.mistake("`expect` of rule '" + rule +
                  "' takes exactly one of compare, range, deadman, count and equals");
    return expectation;
  }
  const auto& [kind, body] = entries.front();
  if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end()) {
    const auto nearest = nearest_name(kind, kKinds);
    body.mistake("`expect` of rule '" + rule + "' does not know '" + kind + "'; " +
                 (nearest ? "did you mean '" + *nearest + "'?"
                          : "it takes compare, range, deadman, count or equals"));
    return expectation;
  }
  auto map = body.map("`" + kind + "` of rule '" + rule + "'");
  // `deadman:` with nothing behind it means: there is data at all.
  if (kind == "compare") expectation = read_compare(map);
  if (kind == "range") expectation = read_range(map);
  if (kind == "deadman") expectation = read_deadman(map);
  if (kind == "count") expectation = read_count(map);
  if (kind == "equals") expectation = read_equals(map);
  map.finish();
  return expectation;
}

std::optional<GroupBy> read_group_by(const ConfigValueView& value) {
  if (!value.present()) return std::nullopt;
  GroupBy group_by;
  if (value.is_scalar()) {
    group_by.field = value.text().value_or("");
    return group_by;
  }
  auto map = value.map(value.name());
  group_by.field = map.require("field").text().value_or("");
  group_by.prefix = map.get("prefix").text().value_or("");
  group_by.length = static_cast<std::size_t>(map.get("length").integer(1, 1000).value_or(0));
  if (!group_by.prefix.empty() && group_by.length > 0) {
    map.mistake("`group_by` takes `prefix` or `length`, not both");
  }
  map.finish();
  return group_by;
}

MessageStyle read_message_style(ConfigMapView& map, const std::string& of, MessageStyle style) {
  auto texts = map.get("template").map("template of " + of);
  const auto title = texts.get("title");
  if (title.present()) style.title = read_template(title);
  static constexpr std::array<std::string_view, 5> kOfARun = {"run", "rule", "task", "count",
                                                              "severity"};
  for (const auto& name : style.title.field_names()) {
    if (std::find(kOfARun.begin(), kOfARun.end(), name) != kOfARun.end()) continue;
    title.mistake(
        "a title speaks for all alarms of a run: it takes {run}, {count} and {severity}, "
        "not {" +
        name + "}; put that into `text`");
  }
  const auto text = texts.get("text");
  if (text.present()) style.text = read_template(text);
  texts.finish();
  const auto group_by = map.get("group_by");
  if (group_by.present()) style.group_by = read_group_by(group_by);
  const auto max_rows = map.get("max_rows").integer(1, 10'000);
  if (max_rows) style.max_rows = static_cast<std::size_t>(*max_rows);
  return style;
}

// What `defaults` and a rule have in common; what the map leaves open stays as it is.
void read_shared(ConfigMapView& map, const std::string& what,
                 const std::map<std::string, Channel>& channels, Rule& rule) {
  const auto key = map.get("key");
  if (key.present()) rule.key = read_template(key);
  rule.message = read_message_style(map, what, std::move(rule.message));
  if (const auto timeout = map.get("timeout").duration(1ms, 10min)) rule.timeout = *timeout;
  if (const auto dedupe = map.get("dedupe_for").duration(1s)) rule.dedupe_for = *dedupe;
  const auto severity = map.get("severity")
                            .one_of<Severity>({{"info", Severity::info},
                                               {"warning", Severity::warning},
                                               {"error", Severity::error},
                                               {"critical", Severity::critical}});
  if (severity) rule.severity = *severity;
  const auto no_data =
      map.get("no_data").one_of<NoData>({{"ok", NoData::ok}, {"alert", NoData::alert}});
  if (no_data) rule.no_data = *no_data;
  if (const auto most = map.get("max_retries").integer(0, kAnyCount)) rule.max_retries = *most;
  if (const auto backoff = map.get("retry_backoff").duration(1ms, 1h)) {
    rule.retry_backoff = *backoff;
  }
  if (map.get("queue").present()) rule.queue = require_text(map, "queue");
  const auto named = map.get("channels");
  if (!named.present()) return;
  rule.channels.clear();
  for (const auto& item : named.items_or_one()) {
    const auto name = item.text();
    if (!name) continue;
    check_reference(item, *name, "channel", names_of(channels));
    if (std::find(rule.channels.begin(), rule.channels.end(), *name) == rule.channels.end()) {
      rule.channels.push_back(*name);
    }
  }
}

void read_schedule(ConfigMapView& map, Rule& rule) {
  const auto every = map.get("every");
  const auto cron = map.get("cron");
  const auto seconds = every.duration(1s);
  const auto line = cron.text();
  if (every.present() && cron.present()) {
    cron.mistake(cron.name() + " stands beside `every`; keep one of them");
  }
  if (line) {
    if (const auto wrong = cron_mistake(*line)) {
      cron.mistake(cron.name() + " is " + cron.shown() + "; " + *wrong);
    }
    rule.every.reset();
    rule.cron = line;
  } else if (seconds) {
    rule.cron.reset();
    rule.every = seconds;
  }
}

Rule read_rule(const ConfigEntryView& entry, const Config& config, Rule rule) {
  rule.name = entry.key;
  const auto what = "rule '" + entry.key + "'";
  refuse_nothing(entry, what);
  auto map = entry.value.map(what);
  rule.source = require_text(map, "source");
  if (!rule.source.empty()) {
    check_reference(map.get("source"), rule.source, "source", names_of(config.sources));
  }
  rule.query = require_text(map, "query");
  const auto query = map.get("query");
  const auto known = config.sources.find(rule.source);
  const bool influxql =
      known != config.sources.end() && known->second.kind == Source::Kind::influxdb1;
  if (influxql && has_several_statements(rule.query)) {
    query.mistake(query.name() +
                  " holds several statements, whose errors InfluxDB mixes up; make a rule of each");
  }
  rule.expectation = read_expectation(map.require("expect"), entry.key);
  read_shared(map, what, config.channels, rule);
  read_schedule(map, rule);
  map.finish();
  if (map.present() && rule.channels.empty()) {
    map.mistake(what + " has no channel to tell; add `channels`, here or under `defaults`");
  }
  return rule;
}

Binding read_binding(const ConfigEntryView& entry, const Config& config) {
  Binding binding;
  binding.task = entry.key;
  const auto read_rules = [&](const ConfigValueView& value) {
    for (const auto& item : value.items_or_one()) {
      const auto name = item.text();
      if (!name) continue;
      check_reference(item, *name, "rule", names_of(config.rules));
      if (std::find(binding.rules.begin(), binding.rules.end(), *name) != binding.rules.end()) {
        item.mistake("rule '" + *name + "' stands twice; remove one");
      }
      binding.rules.push_back(*name);
    }
    if (binding.rules.empty()) value.mistake("task '" + entry.key + "' drives no rule; name some");
  };
  if (!entry.value.is_map()) {
    read_rules(entry.value);
    return binding;
  }
  const auto what = "task '" + entry.key + "'";
  auto map = entry.value.map(what);
  read_rules(map.require("rules"));
  binding.message = read_message_style(map, what, {});
  map.finish();
  return binding;
}

void check_task_name(const ConfigEntryView& entry) {
  for (const auto* name : {"tasks.fetch", "tasks.cache", "tasks.sendalert"}) {
    if (entry.key == name) {
      entry.value.mistake("'" + entry.key + "' is one of the three steps; bind another name");
    }
  }
  if (entry.key.starts_with("celery.")) {
    entry.value.mistake("'" + entry.key + "' is a name of Celery's own; bind another one");
  }
}

}  // namespace

Config read_alert_rules(ConfigMapView& top) {
  Config config;
  for (const auto& entry : top.get("sources").entries()) {
    config.sources.emplace(entry.key, read_source(entry));
  }
  for (const auto& entry : top.get("channels").entries()) {
    config.channels.emplace(entry.key, read_channel(entry));
  }
  if (top.get("redis").present()) config.redis = require_text(top, "redis");
  Rule defaults;
  auto shared = top.get("defaults").map("`defaults`");
  read_shared(shared, "`defaults`", config.channels, defaults);
  read_schedule(shared, defaults);
  shared.finish();
  for (const auto& entry : top.get("rules").entries()) {
    config.rules.emplace(entry.key, read_rule(entry, config, defaults));
  }
  for (const auto& entry : top.get("tasks").entries()) {
    check_task_name(entry);
    config.tasks.push_back(read_binding(entry, config));
  }
  return config;
}

}  // namespace celeriac::alerts
