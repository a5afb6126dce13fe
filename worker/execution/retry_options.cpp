#include "worker/execution/retry_options.h"

#include <utility>

#include "protocol/message/timestamp.h"

namespace celeriac::worker {
namespace {

using Seconds = std::chrono::duration<double>;
using Time = std::chrono::system_clock::time_point;

Json to_json(const std::string& text) {
  return text;
}
Json to_json(bool value) {
  return value;
}
Json to_json(std::uint8_t number) {
  return number;
}
Json to_json(Seconds seconds) {
  return seconds.count();
}
Json to_json(Time time) {
  return protocol::to_iso8601(std::chrono::floor<std::chrono::microseconds>(time));
}
Json to_json(const JsonObject& object) {
  return object;
}
Json to_json(const std::variant<Seconds, Time>& moment) {
  return std::visit([](const auto& value) { return to_json(value); }, moment);
}
Json to_json(const std::vector<Signature>& signatures) {
  Json::Array list;
  for (const Signature& signature : signatures) list.push_back(signature.to_json());
  return list;
}

void read(const Json& json, std::optional<std::string>& text) {
  if (const std::string* value = json.as_string()) text = *value;
}
void read(const Json& json, std::optional<bool>& value) {
  value = json.as_bool();
}
void read(const Json& json, std::optional<std::uint8_t>& number) {
  if (auto value = json.as_int()) number = static_cast<std::uint8_t>(*value);
}
void read(const Json& json, std::optional<Seconds>& seconds) {
  if (auto value = json.as_double()) seconds = Seconds(*value);
}
void read(const Json& json, std::optional<Time>& time) {
  if (auto value = protocol::parse_iso8601(json.string_or(""))) time = *value;
}
void read(const Json& json, std::optional<JsonObject>& object) {
  if (const JsonObject* value = json.as_object()) object = *value;
}
void read(const Json& json, std::optional<std::variant<Seconds, Time>>& moment) {
  std::optional<Seconds> seconds;
  std::optional<Time> time;
  read(json, seconds);
  read(json, time);
  if (seconds) moment = *seconds;
  if (time) moment = *time;
}
void read(const Json& json, std::optional<std::vector<Signature>>& signatures) {
  const Json::Array* list = json.as_array();
  if (!list) return;
  signatures.emplace();
  for (const Json& signature : *list) signatures->push_back(Signature::from_json(signature));
}

// The one list of them. `visit(name, field)`.
template <class Options, class Visit>
void for_each_option(Options& options, Visit visit) {
  visit("countdown", options.countdown);
  visit("eta", options.eta);
  visit("expires", options.expires);
  visit("time_limit", options.time_limit);
  visit("soft_time_limit", options.soft_time_limit);
  visit("queue", options.queue);
  visit("exchange", options.exchange);
  visit("routing_key", options.routing_key);
  visit("priority", options.priority);
  visit("headers", options.headers);
  visit("link", options.link);
  visit("link_error", options.link_error);
  visit("shadow", options.shadow);
  visit("serializer", options.serializer);
  visit("compression", options.compression);
  visit("ignore_result", options.ignore_result);
}

}  // namespace

JsonObject execution_options(const RetryOptions& options) {
  JsonObject json;
  for_each_option(options, [&](const char* name, const auto& option) {
    if (option) json.set(name, to_json(*option));
  });
  return json;
}

JsonObject retry_options_to_json(const RetryOptions& options) {
  JsonObject json{{"reason", options.reason}, {"options", execution_options(options)}};
  if (options.max_retries) json.set("max_retries", *options.max_retries);
  if (options.args) json.set("args", *options.args);
  if (options.kwargs) json.set("kwargs", *options.kwargs);
  return json;
}

RetryOptions retry_options_from_json(const Json& json) {
  RetryOptions options;
  options.reason = json["reason"].string_or("");
  options.max_retries = json["max_retries"].as_int();
  if (const Json::Array* args = json["args"].as_array()) options.args = *args;
  if (const JsonObject* kwargs = json["kwargs"].as_object()) options.kwargs = *kwargs;
  for_each_option(options,
                  [&](const char* name, auto& option) { read(json["options"][name], option); });
  return options;
}

}  // namespace celeriac::worker
