#include <celeriac/error.h>

#include "protocol/message/control.h"
#include "tests/fuzz/property.h"

using namespace celeriac;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  protocol::Properties properties;
  properties.content_type = "application/json";
  try {
    const auto request = protocol::decode_control_request(properties, as_text(data, size),
                                                          {properties.content_type});
    require(!request.method.empty(), "a request names its method");
    protocol::is_addressed_to(request, "celery@host.example");
  } catch (const MessageError&) {
  }
  return 0;
}
