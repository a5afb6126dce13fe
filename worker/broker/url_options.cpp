#include "worker/broker/url_options.h"

#include <celeriac/error.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

namespace celeriac::worker {
namespace {

ConfigError refused(const protocol::Url& url, const std::string& option, const std::string& why) {
  return ConfigError(protocol::display_url(url) + ": the option '" + option + "' " + why);
}

double seconds(const protocol::Url& url, const std::string& option, const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || !(value >= 0) || value > 65535) {
    throw refused(url, option, "is '" + text + "'; it must be a number of seconds");
  }
  return value;
}

bool verifies_peer(const protocol::Url& url, const std::string& option, std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text.rfind("cert_", 0) == 0) text.erase(0, 5);
  if (text == "none") return false;
  if (text == "optional" || text == "required") return true;
  throw refused(url, option, "is '" + text + "'; it must be none, optional or required");
}

}  // namespace

BrokerSettings with_url_options(BrokerSettings settings, const protocol::Url& url) {
  for (const auto& [option, value] : url.query) {
    if (option == "heartbeat") {
      settings.heartbeat = std::chrono::seconds(std::llround(seconds(url, option, value)));
    } else if (option == "connect_timeout") {
      settings.connection_timeout =
          std::chrono::milliseconds(std::llround(1000 * seconds(url, option, value)));
    } else if (option == "login_method") {
      settings.login_method = value;
    } else if (option == "ssl_ca_certs") {
      settings.tls.ca_certs = value;
    } else if (option == "ssl_certfile") {
      settings.tls.certfile = value;
    } else if (option == "ssl_keyfile") {
      settings.tls.keyfile = value;
    } else if (option == "ssl_cert_reqs") {
      settings.tls.verify_peer = verifies_peer(url, option, value);
    } else {
      throw refused(url, option, "is not known");
    }
  }
  if (settings.login_method != "PLAIN" && settings.login_method != "EXTERNAL") {
    throw ConfigError("broker_login_method is '" + settings.login_method +
                      "'; it must be PLAIN or EXTERNAL");
  }
  return settings;
}

}  // namespace celeriac::worker
