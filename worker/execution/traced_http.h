// HTTP requests that belong to the trace of the task that sends them (W3C Trace Context).
#pragma once

#include <celeriac/http.h>

#include "protocol/message/task_message.h"

namespace celeriac::worker {

// `traceparent` and `tracestate` as the message brought them, if they are what they should be.
// `baggage` stays behind: it may hold what is no business of a stranger.
HttpHeaders trace_headers(const protocol::TaskMessage& message);

// Adds headers to every request that does not bring its own. The client must outlive it.
class TracedHttp final : public HttpClient {
 public:
  TracedHttp(HttpClient& client, HttpHeaders headers)
      : client_(client), headers_(std::move(headers)) {}

 protected:
  Async<HttpResponse> perform(HttpRequest request) override;

 private:
  HttpClient& client_;
  HttpHeaders headers_;
};

}  // namespace celeriac::worker
