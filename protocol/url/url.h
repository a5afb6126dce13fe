// Addresses of brokers and backends (wire page, section 1.5).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace celeriac::protocol {

struct Url {
  std::string scheme;
  std::string user, password;  // unquoted
  std::string host;
  std::uint16_t port = 0;  // 0: the scheme's default
  std::string path;        // unquoted, after the first slash
  std::map<std::string, std::string> query;
};

// Throws ConfigError naming the URL without its password, and the mistake.
Url parse_url(std::string_view text);

// As Celery shows it: `amqp://guest:**@127.0.0.1:5672//`. Never the password.
std::string display_url(const Url& url);
std::string display_url(std::string_view text);

// `a;b;c` as a failover list.
std::vector<std::string> split_urls(std::string_view text);

// The virtual host of an amqp URL: "" and "/" are `/`.
std::string virtual_host(const Url& url);

}  // namespace celeriac::protocol
