#include "tasks/alerts/sources/influxdb2.h"

#include <charconv>
#include <cstdint>
#include <limits>

#include "tasks/alerts/channels/reply.h"
#include "tasks/alerts/encoding.h"
#include "tasks/alerts/sources/csv.h"

namespace celeriac::alerts {
namespace {

using Cells = std::vector<std::string>;
using Repeat = SourceFailure::Repeat;

// answer     = table *(blank-line table) | blank-line          (nothing found)
// table      = "#datatype" cells, "#group" cells, "#default" cells in any order, header, *row
// header     = "" "result" "table" column…     or, when the query broke: "" "error" "reference"
// The first cell of a header or row stands under the annotations' names and is empty.
class AnnotatedCsv {
 public:
  explicit AnnotatedCsv(const Source& source, std::string_view text)
      : source_(source), reader_(text) {}

  QueryResult read();

 private:
  // What the cells of one column are.
  struct Column {
    std::string name, type, fallback;
    bool in_group = false;
  };

  std::optional<SourceFailure> read_record(const Cells& cells);
  std::optional<SourceFailure> read_header(const Cells& cells);
  std::optional<SourceFailure> read_row(const Cells& cells);
  void start_table();
  SourceFailure malformed(const std::string& what) const;
  SourceFailure query_broke(const Cells& cells) const;

  const Source& source_;
  CsvReader reader_;
  Cells datatype_, group_, default_;
  std::vector<Column> columns_;  // of the current table, from the second cell on
  bool header_read_ = false;
  bool error_table_ = false;
  std::vector<Row> rows_;
};

template <class T>
std::optional<T> parse_number(const std::string& text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Json> parse_double(const std::string& text) {
  if (text == "NaN") return Json(std::numeric_limits<double>::quiet_NaN());
  if (text == "+Inf") return Json(std::numeric_limits<double>::infinity());
  if (text == "-Inf") return Json(-std::numeric_limits<double>::infinity());
  if (const auto number = parse_number<double>(text)) return Json(*number);
  return std::nullopt;
}

// The cell as its type says, or nothing if it is none. An empty one is null.
std::optional<Json> parse_cell(const std::string& type, const std::string& text) {
  if (text.empty()) return Json();
  if (type == "double") return parse_double(text);
  if (type == "long") {
    if (const auto number = parse_number<std::int64_t>(text)) return Json(*number);
    return std::nullopt;
  }
  if (type == "unsignedLong") {
    if (const auto number = parse_number<std::uint64_t>(text)) return Json(*number);
    return std::nullopt;
  }
  if (type == "boolean") {
    if (text != "true" && text != "false") return std::nullopt;
    return Json(text == "true");
  }
  return Json(text);  // string, dateTime:RFC3339, duration, base64Binary
}

// The bounds of range() are in every group key and say nothing of who is meant.
bool is_label(const std::string& name) {
  return name != "_start" && name != "_stop";
}

void AnnotatedCsv::start_table() {
  datatype_.clear();
  group_.clear();
  default_.clear();
  columns_.clear();
  header_read_ = false;
}

SourceFailure AnnotatedCsv::malformed(const std::string& what) const {
  return source_failure(source_, Repeat::useful,
                        "the answer is not annotated CSV, line " + std::to_string(reader_.line()) +
                            ": " + what + "; check the source's `url` and `kind`");
}

SourceFailure AnnotatedCsv::query_broke(const Cells& cells) const {
  const std::string error = cells.size() > 1 ? cells[1] : "";
  return source_failure(
      source_, is_passing(error) ? Repeat::useful : Repeat::useless,
      "InfluxDB broke the query off: " + excerpt(error) + "; check the rule's query");
}

QueryResult AnnotatedCsv::read() {
  Cells cells;
  while (true) {
    switch (reader_.next(cells)) {
      case CsvReader::Step::malformed:
        return malformed("a quote does not end");
      case CsvReader::Step::end:
        if (error_table_) return malformed("an error table without an error");
        return std::move(rows_);
      case CsvReader::Step::record:
        if (auto failure = read_record(cells)) return std::move(*failure);
    }
  }
}

std::optional<SourceFailure> AnnotatedCsv::read_record(const Cells& cells) {
  if (cells.empty()) {
    if (!error_table_) start_table();
    return std::nullopt;
  }
  if (error_table_) return query_broke(cells);
  const auto& first = cells.front();
  if (first.starts_with('#')) {
    if (header_read_) start_table();
    if (first == "#datatype") datatype_ = cells;
    if (first == "#group") group_ = cells;
    if (first == "#default") default_ = cells;
    return std::nullopt;
  }
  return header_read_ ? read_row(cells) : read_header(cells);
}

std::optional<SourceFailure> AnnotatedCsv::read_header(const Cells& cells) {
  if (cells.size() > 1 && cells[1] == "error") {
    error_table_ = true;
    return std::nullopt;
  }
  if (datatype_.empty()) return malformed("a table without #datatype");
  const auto fits = [&](const Cells& annotation) {
    return annotation.empty() || annotation.size() == cells.size();
  };
  if (!fits(datatype_) || !fits(group_) || !fits(default_)) {
    return malformed("an annotation with another number of columns than its header");
  }
  for (std::size_t i = 1; i < cells.size(); ++i) {
    Column column{cells[i], datatype_[i], default_.empty() ? "" : default_[i]};
    column.in_group = !group_.empty() && group_[i] == "true";
    columns_.push_back(std::move(column));
  }
  header_read_ = true;
  return std::nullopt;
}

std::optional<SourceFailure> AnnotatedCsv::read_row(const Cells& cells) {
  if (cells.size() != columns_.size() + 1) {
    return malformed(std::to_string(cells.size()) + " cells under a header of " +
                     std::to_string(columns_.size() + 1));
  }
  Row row;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto& column = columns_[i];
    const auto& text = cells[i + 1].empty() ? column.fallback : cells[i + 1];
    auto cell = parse_cell(column.type, text);
    if (!cell) return malformed(column.name + " is " + excerpt(text) + ", no " + column.type);
    if (column.name == "table" || (column.name == "result" && text == "_result")) continue;
    if (column.name == "_measurement") row.series = text;
    if (column.name == "_time" && !cell->is_null()) row.time = text;
    if (column.in_group && is_label(column.name)) {
      row.labels.set(column.name, std::move(*cell));
    } else {
      row.values.set(column.name, std::move(*cell));
    }
  }
  rows_.push_back(std::move(row));
  return std::nullopt;
}

}  // namespace

HttpRequest flux_request(const Source& source, const std::string& query) {
  HttpRequest request;
  request.method = "POST";
  request.url = source.url + "/api/v2/query?" + form_encode({{"org", source.org}});
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/csv"}};
  if (!source.token.empty()) {
    request.headers.emplace_back("Authorization", "Token " + source.token);
  }
  // Only the JSON form is answered with annotations, hence with types.
  Json dialect = Json::object({{"annotations", Json::array({"datatype", "group", "default"})},
                               {"header", true},
                               {"delimiter", ","}});
  request.body = dump_json(
      Json::object({{"query", query}, {"type", "flux"}, {"dialect", std::move(dialect)}}));
  return request;
}

QueryResult read_flux(const Source& source, const std::string& body) {
  // Every record ends with a newline, so a body that does not was cut off.
  if (!body.empty() && !body.ends_with('\n')) {
    return source_failure(source, Repeat::useful,
                          "the answer ends in the middle of a line; see what InfluxDB, or a "
                          "proxy before it, logs");
  }
  return read_annotated_csv(source, body);
}

QueryResult read_annotated_csv(const Source& source, std::string_view text) {
  return AnnotatedCsv(source, text).read();
}

}  // namespace celeriac::alerts
