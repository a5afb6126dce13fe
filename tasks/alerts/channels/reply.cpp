#include "tasks/alerts/channels/reply.h"

#include <algorithm>
#include <charconv>

#include "tasks/alerts/digest.h"

namespace celeriac::alerts {

std::optional<Milliseconds> parse_retry_after(std::string_view text, Time now) {
  constexpr Milliseconds kLongest = std::chrono::hours(1);
  double seconds = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) {
    if (!(seconds >= 0)) return std::nullopt;
    return std::min(kLongest,
                    Milliseconds(static_cast<std::int64_t>(std::min(seconds, 3600.0) * 1000)));
  }
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return std::clamp(std::chrono::ceil<Milliseconds>(*date - now), Milliseconds(0), kLongest);
}

std::optional<Milliseconds> retry_after(const HttpResponse& reply, Time now) {
  const auto* header = reply.header("Retry-After");
  if (header == nullptr) return std::nullopt;
  return parse_retry_after(*header, now);
}

Answer::Kind judge_status(int status) {
  if (status >= 200 && status < 300) return Answer::Kind::accepted;
  if (status == 408 || status == 425 || status == 429 || status >= 500) return Answer::Kind::again;
  return Answer::Kind::refused;
}

std::string excerpt(std::string_view body) {
  std::string text = cut_text(std::string(body.substr(0, 400)), 200);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text.empty() ? "an empty body" : "\"" + text + "\"";
}

}  // namespace celeriac::alerts
