// Comma-separated values as RFC 4180 has them.
//
//   file   = *(record newline) [record]      newline = CRLF or LF
//   record = cell *("," cell)
//   cell   = text without `"`, `,`, newline  or  `"` text with `"` doubled `"`
//
// An empty line is a record of its own with no cells.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace celeriac::alerts {

class CsvReader {
 public:
  enum class Step {
    record,
    end,
    malformed,  // a quote that does not end, or text behind one; nothing can follow
  };

  // The text must outlive the reader.
  explicit CsvReader(std::string_view text) : rest_(text) {}

  // Reads the next record into `cells`.
  Step next(std::vector<std::string>& cells);
  // The line that the last record began on, from 1.
  std::size_t line() const { return line_; }

 private:
  bool read_quoted(std::string& cell);
  bool take_newline();

  std::string_view rest_;
  std::size_t line_ = 0, next_line_ = 1;
};

}  // namespace celeriac::alerts
