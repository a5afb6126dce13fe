// Message authentication for receivers that want it. The only OpenSSL include.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace celeriac::alerts {

// Lark's and Feishu's signature: base64(HMAC-SHA256(key = "{timestamp}\n{secret}", message = "")).
std::string lark_signature(std::int64_t timestamp, std::string_view secret);

// `sha256=` and the HMAC-SHA256 of the body in lower-case hexadecimal.
std::string body_signature(std::string_view body, std::string_view secret);

}  // namespace celeriac::alerts
