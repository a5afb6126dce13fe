#include <celeriac/error.h>
#include <celeriac/json.h>

#include "tests/fuzz/property.h"

using namespace celeriac;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Json json;
  try {
    json = parse_json(as_text(data, size));
  } catch (const MessageError&) {
    return 0;
  }
  const std::string text = dump_json(json);
  require(dump_json(parse_json(text)) == text, "JSON reads back as it was written");
  for (std::size_t limit : {1, 10, 1024}) python_repr(json, limit);
  return 0;
}
