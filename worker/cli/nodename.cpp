#include "worker/cli/nodename.h"

#include <celeriac/error.h>

#include <optional>

namespace celeriac::worker {
namespace {

std::string domain_of(const std::string& host) {
  const std::size_t dot = host.find('.');
  return dot == std::string::npos ? "" : host.substr(dot + 1);
}

template <class ValueOf>
std::string expand(const std::string& text, const char* known, ValueOf value_of) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const char letter = ++i < text.size() ? text[i] : '\0';
    const std::optional<std::string> value =
        letter == '%' ? std::optional<std::string>("%") : value_of(letter);
    if (!value) {
      throw ConfigError("'" + text + "' has a % that is followed by none of " + known +
                        "; write %% for the sign itself");
    }
    result += *value;
  }
  return result;
}

}  // namespace

std::string make_nodename(const std::string& given, const std::string& host) {
  const std::string name =
      expand(given, "h, n, d and %", [&](char letter) -> std::optional<std::string> {
        if (letter == 'h') return host;
        if (letter == 'n') return host.substr(0, host.find('.'));
        if (letter == 'd') return domain_of(host);
        return std::nullopt;
      });
  const std::size_t at = name.find('@');
  // Without an @ the whole is the host, as in Celery (celery.utils.nodenames.default_nodename).
  const std::string first = at == std::string::npos ? "" : name.substr(0, at);
  const std::string second = at == std::string::npos ? name : name.substr(at + 1);
  return (first.empty() ? "celery" : first) + "@" + (second.empty() ? host : second);
}

std::string expand_path(const std::string& path, const std::string& nodename) {
  const std::size_t at = nodename.find('@');
  const std::string host = at == std::string::npos ? "" : nodename.substr(at + 1);
  return expand(path, "n, h, d, p, i, I and %", [&](char letter) -> std::optional<std::string> {
    if (letter == 'n') return nodename.substr(0, at);
    if (letter == 'h') return host;
    if (letter == 'd') return domain_of(host);
    if (letter == 'p') return nodename;
    if (letter == 'i') return "0";
    if (letter == 'I') return "";
    return std::nullopt;
  });
}

}  // namespace celeriac::worker
