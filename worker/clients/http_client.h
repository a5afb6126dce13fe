// HTTP through libcurl's multi interface, driven by the loop.
#pragma once

#include <celeriac/http.h>

#include <cstddef>
#include <memory>
#include <string>

#include "worker/loop/completion.h"
#include "worker/loop/loop.h"

namespace celeriac::worker {

struct HttpClientSettings {
  std::string ca_file;                  // PEM; empty: the system's
  std::string user_agent = "celeriac";  // unless the request has its own
  // Open at a time; requests beyond wait, and their timeout runs. Below the usual limit
  // of 1024 descriptors.
  std::size_t max_connections = 512;
};

// Loop thread only; the loop must outlive it. Destroying it ends all waiters as Cancelled.
class CurlHttpClient final : public HttpClient {
 public:
  CurlHttpClient(Loop& loop, HttpClientSettings settings);
  ~CurlHttpClient() override;

  // Requests that are under way.
  std::size_t active() const;

 private:
  class Multi;

  Async<HttpResponse> perform(HttpRequest request) override;

  std::unique_ptr<Multi> multi_;
};

}  // namespace celeriac::worker
