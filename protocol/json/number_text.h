// Numbers as Python writes them.
#pragma once

#include <cstdint>
#include <string>

namespace celeriac::protocol {

void append_integer(std::string& out, std::int64_t value);

// Python's repr of a finite float: the shortest digits that read back equal,
// with an exponent below 1e-4 and from 1e16 on (`1e-05`, `1e+16`), else with a
// point (`1.0`).
void append_python_float(std::string& out, double value);

}  // namespace celeriac::protocol
