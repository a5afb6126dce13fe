// Texts in the forms that HTTP and its receivers want.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace celeriac::alerts {

std::string base64(std::string_view bytes);

// A short name for a text, sixteen hexadecimal digits (FNV-1a): for telling things apart, not for
// keeping them safe.
std::string fingerprint(std::string_view text);

// `application/x-www-form-urlencoded`, in this order. Empty values are left out.
std::string form_encode(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace celeriac::alerts
