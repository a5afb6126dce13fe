// HTTP for tasks.
#pragma once

#include <celeriac/async.h>
#include <celeriac/json.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace celeriac {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The first header of that name, in any case, or null.
inline const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const auto& [key, value] : headers) {
    if (key.size() != name.size()) continue;
    bool equal = true;
    for (std::size_t i = 0; i < key.size() && equal; ++i) equal = lower(key[i]) == lower(name[i]);
    if (equal) return &value;
  }
  return nullptr;
}

struct HttpRequest {
  enum class Redirects { none, follow };

  std::string method = "GET";
  std::string url{};  // http or https; the user and password of the URL are sent as Basic
  HttpHeaders headers{};
  std::string body{};
  std::chrono::milliseconds timeout{30'000};           // from call to last byte
  std::size_t max_body_bytes = std::size_t{16} << 20;  // of the answer, decompressed
  Redirects redirects = Redirects::none;               // at most 5
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers{};
  std::string body{};

  const std::string* header(std::string_view name) const { return find_header(headers, name); }
  bool ok() const { return status >= 200 && status < 300; }
};

// One client serves all tasks of a worker and keeps connections alive. Loop thread only.
//
// A response is a response, whatever its status. Where none came, HttpError (status 0)
// says why: name not found, refused, TLS, cut off, too large; Timeout when the time was
// up. Both name the method, scheme, host and port; path, query and user may be secret.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // The request is copied at the call. A temporary is refused: GCC 12 would destroy it
  // twice beside co_await.
  Async<HttpResponse> send(const HttpRequest& request) { return perform(request); }
  Async<HttpResponse> send(HttpRequest&& request) = delete;

  Async<HttpResponse> get(std::string url) {
    HttpRequest request;
    request.url = std::move(url);
    return perform(std::move(request));
  }
  Async<HttpResponse> post_json(std::string url, const Json& body) {
    HttpRequest request;
    request.method = "POST";
    request.url = std::move(url);
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = dump_json(body);
    return perform(std::move(request));
  }

 protected:
  // Awaited at most once; the request belongs to it.
  virtual Async<HttpResponse> perform(HttpRequest request) = 0;
};

}  // namespace celeriac
