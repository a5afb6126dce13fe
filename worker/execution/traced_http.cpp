#include "worker/execution/traced_http.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace celeriac::worker {
namespace {

// version "-" trace id "-" parent id "-" flags, all in lower-case hexadecimal; what a later version
// adds stands behind another dash.
bool is_traceparent(std::string_view text) {
  constexpr std::size_t kLength = 55, kDashes[] = {2, 35, 52};
  if (text.size() < kLength || (text.size() > kLength && text[kLength] != '-')) return false;
  for (std::size_t i = 0; i < kLength; ++i) {
    const bool dash = std::ranges::find(kDashes, i) != std::end(kDashes);
    const bool hexadecimal =
        (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (dash ? text[i] != '-' : !hexadecimal) return false;
  }
  return text.size() == kLength ||
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_tracestate(std::string_view text) {
  constexpr std::size_t kMost = 512;
  return !text.empty() && text.size() <= kMost &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; });
}

const std::string* header(const protocol::TaskMessage& message, std::string_view name) {
  const Json* value = message.headers_beside ? message.headers_beside->find(name) : nullptr;
  if (!value) value = message.headers.find(name);
  return value ? value->as_string() : nullptr;
}

}  // namespace

HttpHeaders trace_headers(const protocol::TaskMessage& message) {
  HttpHeaders headers;
  const std::string* parent = header(message, "traceparent");
  if (!parent || !is_traceparent(*parent)) return headers;
  headers.emplace_back("traceparent", *parent);
  const std::string* state = header(message, "tracestate");
  if (state && is_tracestate(*state)) headers.emplace_back("tracestate", *state);
  return headers;
}

Async<HttpResponse> TracedHttp::perform(HttpRequest request) {
  if (!find_header(request.headers, "traceparent")) {
    request.headers.insert(request.headers.end(), headers_.begin(), headers_.end());
  }
  return client_.send(request);
}

}  // namespace celeriac::worker
