// Values that kombu types in JSON, as Python's repr shows the objects they are.
#pragma once

#include <celeriac/json.h>

#include <optional>
#include <string>
#include <string_view>

namespace celeriac::protocol {

// `datetime.datetime(2026, 1, 2, 3, 4, 5)`, `Decimal('1.50')`, `UUID('…')` and their
// kin; nothing for any other value. Bytes are not among them: their repr depends on
// how much room is left.
std::optional<std::string> typed_value_repr(const Json& value);

// What Python calls the type of this value: `int`, `str`, `list` …
std::string_view python_type(const Json& value);

}  // namespace celeriac::protocol
