#include "tasks/alerts/sources/csv.h"

#include <algorithm>

namespace celeriac::alerts {

bool CsvReader::take_newline() {
  const std::size_t length = rest_.starts_with("\r\n") ? 2 : rest_.starts_with("\n") ? 1 : 0;
  rest_.remove_prefix(length);
  if (length > 0) ++next_line_;
  return length > 0;
}

// `rest_` begins behind the opening quote.
bool CsvReader::read_quoted(std::string& cell) {
  while (true) {
    const auto quote = rest_.find('"');
    if (quote == std::string_view::npos) return false;
    cell += rest_.substr(0, quote);
    rest_.remove_prefix(quote + 1);
    if (!rest_.starts_with('"')) break;
    cell += '"';
    rest_.remove_prefix(1);
  }
  next_line_ += static_cast<std::size_t>(std::count(cell.begin(), cell.end(), '\n'));
  return rest_.empty() || rest_.starts_with(',') || rest_.starts_with("\r\n") ||
         rest_.starts_with('\n');
}

CsvReader::Step CsvReader::next(std::vector<std::string>& cells) {
  cells.clear();
  line_ = next_line_;
  if (rest_.empty()) return Step::end;
  if (take_newline()) return Step::record;
  while (true) {
    std::string cell;
    if (rest_.starts_with('"')) {
      rest_.remove_prefix(1);
      if (!read_quoted(cell)) return Step::malformed;
    } else {
      const auto end = std::min(rest_.find_first_of(",\n\""), rest_.size());
      if (end < rest_.size() && rest_[end] == '"') return Step::malformed;
      cell = rest_.substr(0, end);
      rest_.remove_prefix(end);
      if (cell.ends_with('\r') && (rest_.empty() || rest_.starts_with('\n'))) cell.pop_back();
    }
    cells.push_back(std::move(cell));
    if (rest_.starts_with(',')) {
      rest_.remove_prefix(1);
      continue;
    }
    take_newline();
    return Step::record;
  }
}

}  // namespace celeriac::alerts
