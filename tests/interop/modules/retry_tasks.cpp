// Tasks that ask for another try with the options that they are given.
#include <celeriac/module.h>

#include <ctime>

namespace {

using celeriac::Json;
using celeriac::RetryOptions;

std::optional<std::string> text(const Json& json) {
  return json.is_string() ? std::optional(*json.as_string()) : std::nullopt;
}

std::optional<RetryOptions::Seconds> seconds(const Json& json) {
  const auto number = json.as_double();
  return number ? std::optional(RetryOptions::Seconds(*number)) : std::nullopt;
}

// `2030-01-01T00:00:00+00:00`
std::optional<RetryOptions::Time> time_of(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  std::tm parts{};
  if (!strptime(json.as_string()->c_str(), "%Y-%m-%dT%H:%M:%S+00:00", &parts)) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::optional<std::vector<celeriac::Signature>> signatures(const Json& json) {
  if (!json.is_array()) return std::nullopt;
  std::vector<celeriac::Signature> list;
  for (const Json& each : *json.as_array()) list.push_back(celeriac::Signature::from_json(each));
  return list;
}

RetryOptions retry_options(const Json& json) {
  RetryOptions options;
  options.countdown = seconds(json["countdown"]);
  options.eta = time_of(json["eta"]);
  if (auto in = seconds(json["expires"])) options.expires = *in;
  if (auto at = time_of(json["expires"])) options.expires = *at;
  options.time_limit = seconds(json["time_limit"]);
  options.soft_time_limit = seconds(json["soft_time_limit"]);
  if (auto priority = json["priority"].as_int()) {
    options.priority = static_cast<std::uint8_t>(*priority);
  }
  options.queue = text(json["queue"]);
  options.exchange = text(json["exchange"]);
  options.routing_key = text(json["routing_key"]);
  if (json["headers"].is_object()) options.headers = *json["headers"].as_object();
  options.link = signatures(json["link"]);
  options.link_error = signatures(json["link_error"]);
  options.shadow = text(json["shadow"]);
  options.serializer = text(json["serializer"]);
  options.compression = text(json["compression"]);
  options.ignore_result = json["ignore_result"].as_bool();
  if (json["args"].is_array()) options.args = *json["args"].as_array();
  if (json["kwargs"].is_object()) options.kwargs = *json["kwargs"].as_object();
  return options;
}

template <class AnyContext>
std::int64_t ask(AnyContext& ctx, const Json& options) {
  if (ctx.request().retries > 0) return ctx.request().retries;
  throw ctx.retry(retry_options(options));
}

celeriac::Async<std::int64_t> on_loop(celeriac::Context& ctx, Json options, Json) {
  co_return ask(ctx, options);
}
std::int64_t in_pool(celeriac::BlockingContext& ctx, Json options, Json) {
  return ask(ctx, options);
}

}  // namespace

CELERIAC_MODULE(registry) {
  using celeriac::param, celeriac::params;
  registry.add("retry.on_loop", on_loop, params("options", param("other", Json())));
  registry.add("retry.in_pool", in_pool, params("options", param("other", Json())));
}
