// What a receiver answered, and what that means for the message.
#pragma once

#include <celeriac/http.h>

#include <optional>
#include <string>
#include <string_view>

#include "tasks/alerts/duration.h"
#include "tasks/alerts/timestamp.h"

namespace celeriac::alerts {

// What is posted. The URL stays with the channel: it is a credential.
struct Post {
  std::string body;
  HttpHeaders headers;
};

struct Answer {
  enum class Kind {
    accepted,
    again,       // the same, later
    sign_again,  // at once with a fresh time stamp; refused if that was one
    as_text,     // at once in the plainest form; refused if it was that
    refused,     // no repetition can help
  };
  Kind kind = Kind::accepted;
  std::string text{};                   // what was said and what to do about it
  std::optional<Milliseconds> after{};  // when to come again, if it was said
};

// A Retry-After: seconds, or an HTTP date. Capped at an hour.
std::optional<Milliseconds> parse_retry_after(std::string_view text, Time now);
// That of an answer, if it has one that can be read.
std::optional<Milliseconds> retry_after(const HttpResponse& reply, Time now);

// What HTTP alone says, for receivers and sources alike: accepted (2xx), again (408, 425, 429,
// 5xx) or refused.
Answer::Kind judge_status(int status);

// The start of a body as a log line can hold it.
std::string excerpt(std::string_view body);

}  // namespace celeriac::alerts
