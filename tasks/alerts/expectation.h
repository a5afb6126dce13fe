// What a rule expects of its rows, and which rows break it. Pure: rows and the time in,
// verdicts out. An expectation states what is normal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tasks/alerts/duration.h"
#include "tasks/alerts/parsed.h"
#include "tasks/alerts/row.h"
#include "tasks/alerts/timestamp.h"

namespace celeriac::alerts {

enum class Operator { less, less_equal, greater, greater_equal, equal, not_equal };
std::optional<Operator> parse_operator(std::string_view text);
std::string_view to_text(Operator op);

// `value op than` holds. Once it has fired, it is normal again only when `value op recover`
// holds too (hysteresis).
struct Compare {
  std::string value;
  Operator op = Operator::less;
  double than = 0;
  std::optional<double> recover{};
};

// The value lies between min and max (both included), or, where outside is normal, does not.
struct Range {
  enum class Normal { inside, outside };
  std::string value;
  std::optional<double> min{}, max{};
  Normal normal = Normal::inside;
};

// Every group sent something, and nothing older than max_age. Groups are named by their
// labels; without a list, one row at all is enough.
struct Deadman {
  std::optional<Milliseconds> max_age{};
  std::vector<JsonObject> groups{};
};

// `number of rows op than` holds; one verdict for the whole run.
struct Count {
  Operator op = Operator::less;
  double than = 0;
};

// The value is one of these.
struct Equals {
  std::string value;
  std::vector<Json> to;
};

using Expectation = std::variant<Compare, Range, Deadman, Count, Equals>;

// What it means that a query was answered without rows, or a row without a value.
// A deadman always alarms.
enum class NoData { ok, alert };

struct Verdict {
  enum class State {
    normal,
    holding,  // between `than` and `recover`: still an alarm if it was one before
    broken,
  };
  State state = State::normal;
  std::optional<Row> row{};  // unset: it is about the run as a whole
  std::string reason{};      // "usage is 95.2, expected < 90"
};

struct Judgement {
  std::vector<Verdict> verdicts;  // one a row at most; none where there was no data
  bool no_data = false;
};

// A Mistake is one of the rule: a column that no row has, a text where a number is compared.
Parsed<Judgement> judge(const Expectation& expectation, NoData no_data,
                        const std::vector<Row>& rows, Time now);

}  // namespace celeriac::alerts
