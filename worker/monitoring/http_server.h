// A small HTTP server on the loop, for probes and scrapers that nobody has to trust: heads,
// connections and their time are bounded, one request a connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "worker/loop/loop.h"
#include "worker/loop/poll.h"
#include "worker/loop/timer.h"
#include "worker/monitoring/http_request.h"

namespace celeriac::worker {

// Loop thread only; the loop must outlive it.
class HttpServer {
 public:
  // Answers GET; HEAD is answered with the same head. Anything else never gets here.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Listens on `[HOST:]PORT`, without HOST on every address. Throws ConfigError if it cannot.
  HttpServer(Loop& loop, const std::string& address, Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  // The port that is listened on; the system's choice where 0 was asked for.
  std::uint16_t port() const;

  static constexpr std::size_t kMaxConnections = 64;
  static constexpr std::chrono::seconds kPatience{10};

 private:
  class Connection;

  void on_connection();

  Loop& loop_;
  Handler handler_;
  int listening_;
  std::unique_ptr<Poll> poll_;
  std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace celeriac::worker
