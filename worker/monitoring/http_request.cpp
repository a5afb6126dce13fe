#include "worker/monitoring/http_request.h"

#include <algorithm>

namespace celeriac::worker {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != 0x7f; });
}

}  // namespace

std::variant<NeedMoreBytes, HttpRequest, HttpRefusal> parse_http_head(std::string_view bytes) {
  const std::size_t end = std::min(bytes.find("\r\n\r\n"), bytes.find("\n\n"));
  if (end == std::string_view::npos && bytes.size() < kMaxHttpHead) return NeedMoreBytes{};
  if (end == std::string_view::npos || end >= kMaxHttpHead) return HttpRefusal{431};
  std::string_view line = bytes.substr(0, bytes.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return HttpRefusal{400};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!version.starts_with("HTTP/")) return HttpRefusal{400};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return HttpRefusal{505};
  if (!is_token(method) || !target.starts_with('/') || !is_printable(target)) {
    return HttpRefusal{400};
  }
  return HttpRequest{std::string(method), std::string(target.substr(0, target.find('?')))};
}

std::string http_response_bytes(const HttpResponse& response, HttpBody body) {
  std::string bytes = "HTTP/1.1 " + std::to_string(response.status) + " ";
  bytes.append(reason(response.status));
  bytes += "\r\nContent-Type: " + response.content_type +
           "\r\nContent-Length: " + std::to_string(response.body.size()) +
           "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
  if (body == HttpBody::sent) bytes += response.body;
  return bytes;
}

}  // namespace celeriac::worker
