// A rule, a source and a channel as the YAML file describes them: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/alerts/duration.h"
#include "tasks/alerts/expectation.h"
#include "tasks/alerts/severity.h"
#include "tasks/alerts/template.h"

namespace celeriac::alerts {

struct Source {
  enum class Kind { influxdb1, influxdb2, influxdb3 };
  std::string name;
  Kind kind = Kind::influxdb1;
  std::string url;       // without a path behind it
  std::string database;  // 1 and 3
  std::string retention_policy;
  std::string username, password;
  std::string org, token;
};
std::string_view to_text(Source::Kind kind);

// So many messages in any one second and any one minute.
struct Rate {
  std::int64_t per_second = 0, per_minute = 0;  // 0: no limit
  bool limited() const { return per_second > 0 || per_minute > 0; }
};

struct Channel {
  enum class Kind { lark, slack, webhook };
  enum class Format { text, post, card };  // Lark's message types
  std::string name;
  Kind kind = Kind::lark;
  std::string url;     // a credential
  std::string secret;  // empty: unsigned
  Format format = Format::post;
  Milliseconds timeout{10'000};
  Rate rate;
};
std::string_view to_text(Channel::Kind kind);

// Which part of a field names a row's group: all of it, what stands before the first
// `prefix`, or its first `length` characters.
struct GroupBy {
  std::string field;
  std::string prefix;
  std::size_t length = 0;
};

// How the alarms of one run become a message.
struct MessageStyle {
  Template title, text;  // empty: ours
  std::optional<GroupBy> group_by;
  std::size_t max_rows = 50;
};

struct Rule {
  std::string name;
  std::string source;
  std::string query;
  Expectation expectation;
  NoData no_data = NoData::ok;
  Template key;
  Milliseconds timeout{20'000};
  Milliseconds dedupe_for{1'800'000};
  Severity severity = Severity::warning;
  std::vector<std::string> channels;
  MessageStyle message;
  std::int64_t max_retries = 5;
  Milliseconds retry_backoff{2000};
  std::optional<std::string> queue;  // of cache and sendalert
  // When beat fires it; the worker only checks it.
  std::optional<Milliseconds> every;
  std::optional<std::string> cron;
};

// A task name that is scheduled elsewhere and drives several rules as one run.
struct Binding {
  std::string task;
  std::vector<std::string> rules;
  MessageStyle message;
};

}  // namespace celeriac::alerts
