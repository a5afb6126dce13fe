#include "tasks/alerts/channels/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

#include "tasks/alerts/encoding.h"

namespace celeriac::alerts {
namespace {

using Digest256 = std::array<unsigned char, 32>;

Digest256 hmac_sha256(std::string_view key, std::string_view message) {
  Digest256 digest;
  unsigned int length = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, message.size(),
           digest.data(), &length) == nullptr) {
    throw std::runtime_error("OpenSSL refuses HMAC-SHA256");
  }
  return digest;
}

}  // namespace

std::string lark_signature(std::int64_t timestamp, std::string_view secret) {
  const auto digest = hmac_sha256(std::to_string(timestamp) + "\n" + std::string(secret), "");
  return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string body_signature(std::string_view body, std::string_view secret) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string text = "sha256=";
  for (const unsigned char byte : hmac_sha256(secret, body)) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace celeriac::alerts
