#pragma once

#include <chrono>
#include <string>

namespace celeriac::alerts {

using Milliseconds = std::chrono::milliseconds;

// The shortest text that the rules' reader takes for this duration: "1h30m", "500ms".
std::string to_text(Milliseconds duration);

}  // namespace celeriac::alerts
