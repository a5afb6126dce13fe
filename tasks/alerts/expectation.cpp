#include "tasks/alerts/expectation.h"

#include <algorithm>
#include <array>
#include <utility>

namespace celeriac::alerts {
namespace {

using State = Verdict::State;

constexpr std::array<std::pair<std::string_view, Operator>, 6> kOperators = {
    {{"<", Operator::less},
     {"<=", Operator::less_equal},
     {">", Operator::greater},
     {">=", Operator::greater_equal},
     {"==", Operator::equal},
     {"!=", Operator::not_equal}}};

bool holds(double left, Operator op, double right) {
  switch (op) {
    case Operator::less:
      return left < right;
    case Operator::less_equal:
      return left <= right;
    case Operator::greater:
      return left > right;
    case Operator::greater_equal:
      return left >= right;
    case Operator::equal:
      return left == right;
    case Operator::not_equal:
      return left != right;
  }
  return false;
}

std::string number_text(double number) {
  auto text = cell_text(Json(number));
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

// What all expectations about one column of each row have in common: its absence is no data
// in one row, and a mistake of the rule in all.
template <class JudgeCell>
Parsed<Judgement> judge_column(const std::string& column, NoData no_data,
                               const std::vector<Row>& rows, JudgeCell judge_cell) {
  Judgement judgement;
  bool seen = false;
  for (const auto& row : rows) {
    const auto cell = row.field(column);
    seen = seen || cell;
    if (!cell || cell->is_null()) {
      const auto state = no_data == NoData::alert ? State::broken : State::normal;
      judgement.verdicts.push_back({state, row, column + " has no value"});
      continue;
    }
    auto verdict = judge_cell(*cell);
    if (auto* mistake = std::get_if<Mistake>(&verdict)) return std::move(*mistake);
    auto& judged = std::get<Verdict>(verdict);
    judged.row = row;
    judgement.verdicts.push_back(std::move(judged));
  }
  if (!rows.empty() && !seen) {
    return Mistake{"no row has the column \"" + column + "\" of `expect`; the first row has " +
                   rows.front().field_names()};
  }
  return judgement;
}

Parsed<double> number_of(const std::string& column, const Json& cell) {
  const auto number = cell.as_double();
  if (!number || !cell.is_number()) {
    return Mistake{"column \"" + column + "\" is " + python_repr(cell, 60) +
                   ", not a number; use `equals` for texts and booleans"};
  }
  return *number;
}

Parsed<Judgement> judge_rows(const Compare& compare, NoData no_data, const std::vector<Row>& rows,
                             Time) {
  return judge_column(compare.value, no_data, rows, [&](const Json& cell) -> Parsed<Verdict> {
    auto number = number_of(compare.value, cell);
    if (auto* mistake = std::get_if<Mistake>(&number)) return std::move(*mistake);
    const double value = std::get<double>(number);
    Verdict verdict;
    verdict.reason = compare.value + " is " + cell_text(cell) + ", expected " +
                     std::string(to_text(compare.op)) + " " + number_text(compare.than);
    if (!holds(value, compare.op, compare.than)) {
      verdict.state = State::broken;
    } else if (compare.recover && !holds(value, compare.op, *compare.recover)) {
      verdict.state = State::holding;
      verdict.reason = compare.value + " is " + cell_text(cell) + ", recovered at " +
                       std::string(to_text(compare.op)) + " " + number_text(*compare.recover);
    }
    return verdict;
  });
}

std::string expected_range(const Range& range) {
  const bool inside = range.normal == Range::Normal::inside;
  if (range.min && range.max) {
    return std::string(inside ? "within " : "outside ") + number_text(*range.min) + " to " +
           number_text(*range.max);
  }
  if (range.min) return (inside ? "at least " : "below ") + number_text(*range.min);
  return (inside ? "at most " : "above ") + number_text(*range.max);
}

Parsed<Judgement> judge_rows(const Range& range, NoData no_data, const std::vector<Row>& rows,
                             Time) {
  return judge_column(range.value, no_data, rows, [&](const Json& cell) -> Parsed<Verdict> {
    auto number = number_of(range.value, cell);
    if (auto* mistake = std::get_if<Mistake>(&number)) return std::move(*mistake);
    const double value = std::get<double>(number);
    // A NaN is not inside any range.
    const bool inside = (!range.min || value >= *range.min) &&
                        (!range.max || value <= *range.max) && value == value;
    const bool normal = inside == (range.normal == Range::Normal::inside);
    return Verdict{normal ? State::normal : State::broken, std::nullopt,
                   range.value + " is " + cell_text(cell) + ", expected " + expected_range(range)};
  });
}

Parsed<Judgement> judge_rows(const Equals& equals, NoData no_data, const std::vector<Row>& rows,
                             Time) {
  return judge_column(equals.value, no_data, rows, [&](const Json& cell) -> Parsed<Verdict> {
    const auto same = [&cell](const Json& expected) {
      // Integers are equal in all their digits; 1 and 1.0 are equal too.
      if (cell == expected) return true;
      if (!cell.is_number() || !expected.is_number()) return false;
      const bool both_whole = cell.is_integer() && expected.is_integer();
      return !both_whole && cell.as_double() == expected.as_double();
    };
    const bool normal = std::any_of(equals.to.begin(), equals.to.end(), same);
    std::string expected;
    for (const auto& value : equals.to) {
      if (!expected.empty()) expected += " or ";
      expected += cell_text(value);
    }
    return Verdict{normal ? State::normal : State::broken, std::nullopt,
                   equals.value + " is " + cell_text(cell) + ", expected " + expected};
  });
}

Parsed<Judgement> judge_rows(const Count& count, NoData, const std::vector<Row>& rows, Time) {
  const auto number = static_cast<double>(rows.size());
  const bool normal = holds(number, count.op, count.than);
  return Judgement{{{normal ? State::normal : State::broken, std::nullopt,
                     "the query returned " + std::to_string(rows.size()) + " rows, expected " +
                         std::string(to_text(count.op)) + " " + number_text(count.than)}}};
}

bool belongs_to(const Row& row, const JsonObject& group) {
  return std::all_of(group.begin(), group.end(), [&row](const JsonObject::Member& label) {
    const auto cell = row.field(label.first);
    return cell && cell_text(*cell) == cell_text(label.second);
  });
}

Parsed<Verdict> judge_age(const Row& row, Milliseconds max_age, Time now) {
  const auto time = row.time ? parse_time(*row.time) : std::nullopt;
  if (!time) {
    return Mistake{row.time ? "the time \"" + *row.time + "\" of a row cannot be read"
                            : "`deadman` with `max_age` needs a time column; the row has " +
                                  row.field_names()};
  }
  Verdict verdict{State::normal, row, "last seen " + *row.time};
  if (now - *time > max_age) {
    verdict.state = State::broken;
    verdict.reason += ", more than " + to_text(max_age) + " ago";
  }
  return verdict;
}

Parsed<Judgement> judge_rows(const Deadman& deadman, NoData, const std::vector<Row>& rows,
                             Time now) {
  Judgement judgement;
  if (rows.empty() && deadman.groups.empty()) {
    judgement.verdicts.push_back({State::broken, std::nullopt, "the query returned no data"});
  }
  for (const auto& group : deadman.groups) {
    const bool seen = std::any_of(rows.begin(), rows.end(),
                                  [&group](const Row& row) { return belongs_to(row, group); });
    if (seen) continue;
    Row absent;
    absent.labels = group;
    judgement.verdicts.push_back({State::broken, std::move(absent), "sent no data"});
  }
  for (const auto& row : rows) {
    if (!deadman.max_age) {
      judgement.verdicts.push_back({State::normal, row, "seen"});
      continue;
    }
    auto verdict = judge_age(row, *deadman.max_age, now);
    if (auto* mistake = std::get_if<Mistake>(&verdict)) return std::move(*mistake);
    judgement.verdicts.push_back(std::get<Verdict>(std::move(verdict)));
  }
  return judgement;
}

bool speaks_of_absence(const Expectation& expectation) {
  return std::holds_alternative<Deadman>(expectation) || std::holds_alternative<Count>(expectation);
}

}  // namespace

std::optional<Operator> parse_operator(std::string_view text) {
  for (const auto& [name, op] : kOperators) {
    if (name == text) return op;
  }
  return std::nullopt;
}

std::string_view to_text(Operator op) {
  for (const auto& [name, known] : kOperators) {
    if (known == op) return name;
  }
  return "?";
}

Parsed<Judgement> judge(const Expectation& expectation, NoData no_data,
                        const std::vector<Row>& rows, Time now) {
  auto result = std::visit([&](const auto& kind) { return judge_rows(kind, no_data, rows, now); },
                           expectation);
  auto* judgement = std::get_if<Judgement>(&result);
  if (judgement == nullptr || !rows.empty()) return result;
  judgement->no_data = true;
  if (no_data == NoData::alert && !speaks_of_absence(expectation)) {
    judgement->verdicts.push_back({State::broken, std::nullopt, "the query returned no data"});
  }
  return result;
}

}  // namespace celeriac::alerts
