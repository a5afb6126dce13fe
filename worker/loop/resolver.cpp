#include "worker/loop/resolver.h"

#include <arpa/inet.h>
#include <celeriac/error.h>
#include <netdb.h>
#include <uv.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "worker/loop/completion.h"

namespace celeriac::worker {
namespace {

// Lives until libuv calls back, which it does once in any case.
struct Lookup {
  explicit Lookup(Loop& loop) : done(loop) { request.data = this; }
  uv_getaddrinfo_t request{};
  std::string host;
  Completion<std::vector<std::string>> done;
};

std::optional<std::string> numeric(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN + 1] = {};
  const socklen_t size =
      address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (getnameinfo(address, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return {};
  return text;
}

void on_resolved(uv_getaddrinfo_t* request, int status, addrinfo* found) noexcept {
  std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(request->data));
  std::vector<std::string> addresses;
  for (addrinfo* entry = found; entry; entry = entry->ai_next) {
    std::optional<std::string> text = numeric(entry->ai_addr);
    if (text && std::find(addresses.begin(), addresses.end(), *text) == addresses.end()) {
      addresses.push_back(std::move(*text));
    }
  }
  uv_freeaddrinfo(found);
  if (addresses.empty()) {
    lookup->done.fail(std::make_exception_ptr(ConnectionLost(
        "the name " + lookup->host +
        " cannot be resolved: " + (status < 0 ? uv_strerror(status) : "it has no address"))));
  } else {
    lookup->done.complete(std::move(addresses));
  }
}

bool is_numeric(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

Async<std::vector<std::string>> resolve(Loop& loop, std::string host) {
  if (is_numeric(host)) co_return std::vector<std::string>(1, host);

  auto lookup = std::make_unique<Lookup>(loop);
  lookup->host = host;
  Pending<std::vector<std::string>> pending = lookup->done.pending();
  lookup->done.on_abandoned([request = &lookup->request] {
    uv_cancel(reinterpret_cast<uv_req_t*>(request));  // if it has not begun
  });
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  if (int status = uv_getaddrinfo(loop.native(), &lookup->request, &on_resolved, host.c_str(),
                                  nullptr, &hints);
      status < 0) {
    throw ConnectionLost("the name " + host + " cannot be resolved: " + uv_strerror(status));
  }
  [[maybe_unused]] Lookup* owned_by_libuv = lookup.release();
  co_return co_await std::move(pending);
}

}  // namespace celeriac::worker
