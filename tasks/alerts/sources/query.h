// One query of a rule: how it is asked over HTTP and what the answer means. Three outcomes that
// never mix: rows, no rows, and failure.
#pragma once

#include <celeriac/http.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tasks/alerts/row.h"
#include "tasks/alerts/rule.h"
#include "tasks/alerts/timestamp.h"

namespace celeriac::alerts {

// What an answer may hold before it is refused: rows travel on to the next task.
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{8} << 20;
inline constexpr std::size_t kMaxRows = 10'000;

struct SourceFailure {
  enum class Repeat { useful, useless };
  Repeat repeat = Repeat::useless;
  std::string text{};  // names the source and the remedy, never a secret
  std::optional<Milliseconds> after{};
};

using QueryResult = std::variant<std::vector<Row>, SourceFailure>;

HttpRequest query_request(const Source& source, const std::string& query, Milliseconds timeout);
QueryResult read_answer(const Source& source, const HttpResponse& answer, Time now);

// Whether a query that failed with this text may do better later: a limit or time-out of the
// server, not a mistake of the query.
bool is_passing(std::string_view error);

// An answer that is no answer, by its HTTP status; nothing for 2xx.
std::optional<SourceFailure> judge_query_status(const Source& source, const HttpResponse& answer,
                                                Time now);
// "source 'mon': " and the text.
SourceFailure source_failure(const Source& source, SourceFailure::Repeat repeat, std::string text);

}  // namespace celeriac::alerts
