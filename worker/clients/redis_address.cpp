#include "worker/clients/redis_address.h"

#include <celeriac/error.h>

#include <charconv>

#include "protocol/url/url.h"

namespace celeriac::worker {
namespace {

#ifdef CELERIAC_HIREDIS_SSL
constexpr bool kTlsAvailable = true;
#else
constexpr bool kTlsAvailable = false;
#endif

[[noreturn]] void refuse(const protocol::Url& url, const std::string& why) {
  throw ConfigError("Redis URL '" + protocol::display_url(url) + "': " + why);
}

std::string query(const protocol::Url& url, const std::string& key) {
  auto found = url.query.find(key);
  return found == url.query.end() ? std::string() : found->second;
}

int parse_database(const protocol::Url& url, std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  if (text.empty()) return 0;
  int database = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), database);
  if (error != std::errc() || end != text.data() + text.size() || database < 0) {
    refuse(url, "the database must be a number, as in redis://host:6379/0");
  }
  return database;
}

RedisAddress::Tls parse_tls(const protocol::Url& url) {
  if (!kTlsAvailable) {
    refuse(url,
           "this build has no TLS for Redis, because its hiredis has none; build on Debian 13 "
           "with libhiredis-dev, or use redis:// through a TLS tunnel");
  }
  if (const std::string requirement = query(url, "ssl_cert_reqs");
      !requirement.empty() && requirement != "required" && requirement != "CERT_REQUIRED") {
    refuse(url, "ssl_cert_reqs=" + requirement + " is not supported: certificates are verified");
  }
  return {.enabled = true,
          .ca_certs = query(url, "ssl_ca_certs"),
          .certfile = query(url, "ssl_certfile"),
          .keyfile = query(url, "ssl_keyfile")};
}

}  // namespace

std::string RedisAddress::display() const {
  if (!socket_path.empty()) return "redis+socket://" + socket_path;
  const std::string shown_host = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return (tls.enabled ? "rediss://" : "redis://") + shown_host + ":" + std::to_string(port) + "/" +
         std::to_string(database);
}

RedisAddress parse_redis_url(std::string_view text) {
  const protocol::Url url = protocol::parse_url(text);
  RedisAddress address;
  address.user = url.user;
  address.password = url.password.empty() ? query(url, "password") : url.password;
  if (url.scheme == "redis+socket" || url.scheme == "socket") {
    if (url.path.empty()) refuse(url, "the path of the socket is missing");
    address.socket_path = "/" + url.path;
    address.database = parse_database(url, query(url, "virtual_host"));
    return address;
  }
  if (url.scheme != "redis" && url.scheme != "rediss") {
    refuse(url, "the scheme must be redis, rediss or redis+socket");
  }
  if (url.scheme == "rediss") address.tls = parse_tls(url);
  address.host = url.host.empty() ? "localhost" : url.host;
  if (url.port != 0) address.port = url.port;
  address.database = parse_database(url, url.path);
  return address;
}

}  // namespace celeriac::worker
