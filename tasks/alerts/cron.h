// Whether a cron line can be scheduled. Beat does the scheduling; the worker only tells mistakes
// before beat does.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace celeriac::alerts {

// Five fields: minute, hour, day of month, month, day of week. Each is a list of `*`, a number, a
// name of a month or day, or a range of these, with `/step` behind. What is wrong with it, if
// anything is.
std::optional<std::string> cron_mistake(std::string_view text);

}  // namespace celeriac::alerts
