#include "protocol/message/queue.h"

namespace celeriac::protocol {

bool Queue::is_quorum() const {
  const Json* type = arguments.find("x-queue-type");
  return type != nullptr && type->string_or("") == "quorum";
}

}  // namespace celeriac::protocol
