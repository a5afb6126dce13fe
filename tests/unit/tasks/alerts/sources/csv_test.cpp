#include "tasks/alerts/sources/csv.h"

#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

// Records as "a|b", joined by " / "; a broken text ends with "!".
std::string parsed(std::string_view text) {
  CsvReader reader(text);
  std::vector<std::string> cells;
  std::string result;
  while (true) {
    const auto step = reader.next(cells);
    if (step == CsvReader::Step::end) return result;
    if (step == CsvReader::Step::malformed) return result + "!";
    for (std::size_t i = 0; i < cells.size(); ++i) result += (i > 0 ? "|" : "") + cells[i];
    result += " / ";
  }
}

TEST(Csv, ReadsRecordsOfCells) {
  EXPECT_EQ(parsed("a,b\r\nc,d\r\n"), "a|b / c|d / ");
  EXPECT_EQ(parsed("a,b\nc,d"), "a|b / c|d / ");
  EXPECT_EQ(parsed(",,\r\n"), "|| / ");
  EXPECT_EQ(parsed("a,"), "a| / ");
  EXPECT_EQ(parsed(""), "");
}

TEST(Csv, AnEmptyLineIsARecordWithoutCells) {
  EXPECT_EQ(parsed("a\r\n\r\nb\r\n"), "a /  / b / ");
}

TEST(Csv, QuotesHoldCommasLinesAndQuotes) {
  EXPECT_EQ(parsed("\"a,b\",\"c\"\"d\",\"e\r\nf\"\r\n"), "a,b|c\"d|e\r\nf / ");
  EXPECT_EQ(parsed("\"\",x\r\n"), "|x / ");
}

TEST(Csv, RefusesAQuoteThatDoesNotEndOrStandsInTheMiddle) {
  EXPECT_EQ(parsed("\"abc"), "!");
  EXPECT_EQ(parsed("\"abc\"d\r\n"), "!");
  EXPECT_EQ(parsed("a\"b\r\n"), "!");
}

TEST(Csv, CountsLines) {
  CsvReader reader("a\r\n\"b\r\nb\"\r\nc\r\n");
  std::vector<std::string> cells;
  std::vector<std::size_t> lines;
  while (reader.next(cells) == CsvReader::Step::record) lines.push_back(reader.line());
  EXPECT_EQ(lines, (std::vector<std::size_t>{1, 2, 4}));
}

}  // namespace
}  // namespace celeriac::alerts
