#include <celeriac/json.h>

#include "tasks/alerts/sources/influxdb2.h"
#include "tests/fuzz/property.h"

using namespace celeriac;
using namespace celeriac::alerts;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Source source;
  source.name = "two";
  const auto result = read_annotated_csv(source, as_text(data, size));
  if (const auto* failure = std::get_if<SourceFailure>(&result)) {
    require(failure->text.starts_with("source 'two': "), "a failure names its source");
    require(failure->text.size() < 1000, "a failure is no copy of the answer");
    return 0;
  }
  for (const auto& row : std::get<std::vector<Row>>(result)) {
    // Rows travel to the next task as JSON. Compared as texts, since no NaN equals itself.
    const auto text = dump_json(to_json(row));
    require(dump_json(to_json(row_from_json(parse_json(text)))) == text, "a row survives JSON");
  }
  return 0;
}
