#include "protocol/message/timestamp.h"
#include "tests/fuzz/property.h"

using namespace celeriac::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto time = parse_iso8601(as_text(data, size));
  if (time)
    require(parse_iso8601(to_iso8601(*time)) == time, "a time reads back as it was written");
  return 0;
}
