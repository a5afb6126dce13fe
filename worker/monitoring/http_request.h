// The head of an HTTP/1.x request, as far as probes and scrapers need it. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace celeriac::worker {

struct HttpRequest {
  std::string method;
  std::string path;  // without the query
};

struct NeedMoreBytes {};

// What the bytes are refused with: 400, 431 or 505.
struct HttpRefusal {
  int status = 400;
};

// Reads the head from what has arrived so far. A head of more than kMaxHttpHead bytes is refused.
inline constexpr std::size_t kMaxHttpHead = 8192;
std::variant<NeedMoreBytes, HttpRequest, HttpRefusal> parse_http_head(std::string_view bytes);

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// The bytes of a response after which the connection is closed.
enum class HttpBody { sent, left_out };  // left out for HEAD
std::string http_response_bytes(const HttpResponse& response, HttpBody body);

}  // namespace celeriac::worker
