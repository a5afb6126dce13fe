#include "protocol/serialization/yaml.h"

#include <celeriac/error.h>
#include <celeriac/json.h>

#include "tests/fuzz/property.h"

using namespace celeriac;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Json json;
  try {
    json = protocol::parse_yaml(as_text(data, size));
  } catch (const MessageError&) {
    return 0;
  }
  const std::string again = protocol::dump_yaml(json);
  require(dump_json(protocol::parse_yaml(again)) == dump_json(json),
          "YAML reads back as it was written");
  return 0;
}
