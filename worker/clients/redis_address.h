// Where a Redis is and how to log in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace celeriac::worker {

struct RedisAddress {
  std::string host;  // empty for a socket
  std::uint16_t port = 6379;
  std::string socket_path;  // of a Unix domain socket
  std::string user;         // empty: the default user
  std::string password;     // empty: none
  int database = 0;

  struct Tls {
    bool enabled = false;
    std::string ca_certs, certfile, keyfile;
  } tls;

  // For logs and errors: no password, no user.
  std::string display() const;
};

// Reads redis://user:password@host:port/database, rediss://… with Celery's
// ssl_ca_certs, ssl_certfile and ssl_keyfile, and
// redis+socket:///path?virtual_host=database. Throws ConfigError, also for rediss://
// in a build without TLS for Redis.
RedisAddress parse_redis_url(std::string_view url);

}  // namespace celeriac::worker
