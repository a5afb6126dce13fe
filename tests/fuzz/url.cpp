#include "protocol/url/url.h"

#include <celeriac/error.h>

#include "tests/fuzz/property.h"

using namespace celeriac;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(data, size);
  protocol::split_urls(text);
  protocol::Url url;
  try {
    url = protocol::parse_url(text);
  } catch (const ConfigError&) {
    return 0;
  }
  const std::string shown = protocol::display_url(url);
  require(url.password.empty() || shown.find(":**@") != std::string::npos,
          "a password is shown as two stars");
  protocol::parse_url(shown);  // what is shown is a URL
  return 0;
}
