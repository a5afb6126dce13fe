#include "protocol/url/url.h"

#include <celeriac/error.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace celeriac::protocol {
namespace {

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// An escape that is none stays as it is, as in Python.
std::string unquote(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high && low) {
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string quote(std::string_view text, std::string_view also_safe = "") {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alphanumeric = byte < 0x80 && std::isalnum(byte) != 0;
    if (alphanumeric || std::string_view("_.-~").find(c) != std::string_view::npos ||
        also_safe.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::map<std::string, std::string> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    std::string value(pair.substr(equals + 1));
    std::replace(value.begin(), value.end(), '+', ' ');
    query[unquote(pair.substr(0, equals))] = unquote(value);
  }
  return query;
}

// The URL for an error text: nothing that may be part of a password is shown.
std::string without_credentials(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::size_t at = text.rfind('@');
  const std::string_view shown = text.substr(0, text.find_first_of("?#"));
  if (at == std::string_view::npos) return std::string(shown);
  const std::string prefix =
      scheme == std::string_view::npos ? "" : std::string(text.substr(0, scheme + 3));
  const std::string_view behind = text.substr(at);
  return prefix + "**" + std::string(behind.substr(0, behind.find_first_of("?#")));
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw ConfigError("URL '" + without_credentials(text) + "': " + std::string(why));
}

// host, host:port, [v6]:port
void parse_address(std::string_view text, std::string_view address, Url& url) {
  std::string_view port;
  if (!address.empty() && address.front() == '[') {
    const std::size_t end = address.find(']');
    if (end == std::string_view::npos) refuse(text, "the IPv6 address has no closing ']'");
    url.host = unquote(address.substr(1, end - 1));
    port = address.substr(end + 1);
    if (!port.empty() && port.front() != ':') refuse(text, "expected ':' and a port behind ']'");
  } else {
    const std::size_t colon = address.rfind(':');
    url.host = unquote(address.substr(0, colon));
    if (colon != std::string_view::npos) port = address.substr(colon);
  }
  std::transform(url.host.begin(), url.host.end(), url.host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (port.size() <= 1) return;
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    refuse(text, "the port must be a number from 1 to 65535");
  }
}

bool is_amqp(std::string_view scheme) {
  return scheme == "amqp" || scheme == "amqps" || scheme == "pyamqp" || scheme == "librabbitmq";
}

}  // namespace

Url parse_url(std::string_view text) {
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos || mark == 0) {
    refuse(text, "no scheme; write for example amqp://user:password@host:5672/vhost");
  }
  Url url;
  url.scheme = text.substr(0, mark);
  std::string_view rest = text.substr(mark + 3);
  rest = rest.substr(0, rest.find('#'));
  if (const std::size_t question = rest.find('?'); question != std::string_view::npos) {
    url.query = parse_query(rest.substr(question + 1));
    rest = rest.substr(0, question);
  }
  std::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.size() < rest.size()) url.path = unquote(rest.substr(authority.size() + 1));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view credentials = authority.substr(0, at);
    const std::size_t colon = credentials.find(':');
    url.user = unquote(credentials.substr(0, colon));
    if (colon != std::string_view::npos) url.password = unquote(credentials.substr(colon + 1));
    authority.remove_prefix(at + 1);
  }
  parse_address(text, authority, url);
  return url;
}

std::string display_url(const Url& url) {
  Url shown = url;
  if (is_amqp(url.scheme)) {
    if (shown.user.empty()) shown.user = "guest";
    if (shown.password.empty()) shown.password = "guest";
    if (shown.host.empty() || shown.host == "localhost") shown.host = "127.0.0.1";
    if (shown.port == 0) shown.port = url.scheme == "amqps" ? 5671 : 5672;
    shown.path = virtual_host(url);
  }
  std::string out = shown.scheme + "://";
  if (!shown.user.empty() || !shown.password.empty()) {
    out += quote(shown.user);
    if (!shown.password.empty()) out += ":**";
    out += '@';
  }
  const bool is_v6 = shown.host.find(':') != std::string::npos;
  if (is_v6) {
    out.append("[").append(shown.host).append("]");
  } else {
    out += quote(shown.host);
  }
  if (shown.port != 0) out.append(":").append(std::to_string(shown.port));
  return out.append("/").append(quote(shown.path, "/"));
}

std::string display_url(std::string_view text) {
  std::string out;
  for (const std::string& one : split_urls(text)) {
    if (!out.empty()) out += ';';
    out += display_url(parse_url(one));
  }
  return out;
}

std::vector<std::string> split_urls(std::string_view text) {
  std::vector<std::string> urls;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(';'));
    if (!one.empty()) urls.emplace_back(one);
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return urls;
}

std::string virtual_host(const Url& url) {
  return url.path.empty() ? "/" : url.path;
}

}  // namespace celeriac::protocol
