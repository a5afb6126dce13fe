#include "worker/execution/prefork/outcome.h"

#include <celeriac/error.h>
#include <celeriac/retry.h>

#include <utility>

#include "worker/execution/exception.h"
#include "worker/execution/retry_options.h"

namespace celeriac::worker::prefork {

namespace {

Json exception_to_json(const std::exception_ptr& error) {
  return error ? describe_exception(error).to_json() : Json();
}

std::exception_ptr exception_from_json(const Json& json) {
  if (!json.is_object()) return nullptr;
  const Json::Array* args = json["exc_message"].as_array();
  return std::make_exception_ptr(TaskError(json["exc_type"].string_or("RuntimeError"),
                                           args ? *args : Json::Array{},
                                           json["exc_module"].string_or("builtins")));
}

JsonObject retry_outcome(const Retry& retry) {
  return {{"type", "outcome"},
          {"kind", "retry"},
          {"retry", retry_options_to_json(retry.options)},
          {"cause", exception_to_json(retry.cause)}};
}

}  // namespace

JsonObject value_outcome(Json value) {
  return {{"type", "outcome"}, {"kind", "value"}, {"value", std::move(value)}};
}

JsonObject thrown_outcome(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Retry& retry) {
    return retry_outcome(retry);
  } catch (const Reject& reject) {
    return {{"type", "outcome"},
            {"kind", "reject"},
            {"reason", reject.reason},
            {"requeue", reject.requeue}};
  } catch (const Ignore&) {
    return {{"type", "outcome"}, {"kind", "ignore"}};
  } catch (const Replace& replace) {
    return {{"type", "outcome"}, {"kind", "replace"}, {"with", replace.with.to_json()}};
  } catch (...) {
    return {{"type", "outcome"},
            {"kind", "exception"},
            {"exception", exception_to_json(std::current_exception())}};
  }
}

Json take_outcome(const Json& outcome) {
  const std::string kind = outcome["kind"].string_or("");
  if (kind == "value") return outcome["value"];
  if (kind == "retry") {
    throw Retry{retry_options_from_json(outcome["retry"]), exception_from_json(outcome["cause"])};
  }
  if (kind == "ignore") throw Ignore{};
  if (kind == "replace") throw Replace{Signature::from_json(outcome["with"])};
  if (kind == "reject") {
    Reject reject;
    reject.reason = outcome["reason"].string_or("");
    reject.requeue = outcome["requeue"].truthy();
    throw reject;
  }
  if (auto error = exception_from_json(outcome["exception"])) std::rethrow_exception(error);
  throw ProtocolError("a pool process sent an outcome of unknown kind '" + kind + "'");
}

Json request_to_json(const Request& request) {
  const Request::DeliveryInfo& info = request.delivery_info;
  Json::Array stamped;
  for (const std::string& name : request.stamped_headers) stamped.emplace_back(name);
  return Json::object({{"id", request.id},
                       {"task", request.task},
                       {"retries", request.retries},
                       {"root_id", request.root_id},
                       {"parent_id", request.parent_id},
                       {"group", request.group},
                       {"group_index", request.group_index},
                       {"shadow", request.shadow},
                       {"origin", request.origin},
                       {"hostname", request.hostname},
                       {"eta", request.eta},
                       {"expires", request.expires},
                       {"time_limit", request.time_limit},
                       {"soft_time_limit", request.soft_time_limit},
                       {"ignore_result", request.ignore_result},
                       {"replaced_task_nesting", request.replaced_task_nesting},
                       {"headers", request.headers},
                       {"stamped_headers", std::move(stamped)},
                       {"stamps", request.stamps},
                       {"reply_to", request.reply_to},
                       {"correlation_id", request.correlation_id},
                       {"callbacks", request.callbacks},
                       {"errbacks", request.errbacks},
                       {"chain", request.chain},
                       {"chord", request.chord},
                       {"exchange", info.exchange},
                       {"routing_key", info.routing_key},
                       {"queue", info.queue},
                       {"priority", info.priority},
                       {"redelivered", info.redelivered},
                       {"properties", request.properties}});
}

Request request_from_json(const Json& json) {
  auto text = [&](const char* name) { return json[name].string_or(""); };
  auto optional_text = [&](const char* name) {
    const std::string* value = json[name].as_string();
    return value ? std::optional(*value) : std::nullopt;
  };
  auto table = [&](const char* name) {
    const JsonObject* value = json[name].as_object();
    return value ? *value : JsonObject();
  };
  Request request;
  request.id = text("id");
  request.task = text("task");
  request.retries = json["retries"].as_int().value_or(0);
  request.root_id = text("root_id");
  request.parent_id = text("parent_id");
  request.group = text("group");
  request.group_index = json["group_index"].as_int();
  request.shadow = text("shadow");
  request.origin = text("origin");
  request.hostname = text("hostname");
  request.eta = optional_text("eta");
  request.expires = optional_text("expires");
  request.time_limit = json["time_limit"].as_double();
  request.soft_time_limit = json["soft_time_limit"].as_double();
  request.ignore_result = json["ignore_result"].truthy();
  request.replaced_task_nesting = json["replaced_task_nesting"].as_int().value_or(0);
  request.headers = table("headers");
  if (const Json::Array* names = json["stamped_headers"].as_array()) {
    for (const Json& name : *names) request.stamped_headers.push_back(name.string_or(""));
  }
  request.stamps = table("stamps");
  request.reply_to = text("reply_to");
  request.correlation_id = text("correlation_id");
  request.callbacks = json["callbacks"];
  request.errbacks = json["errbacks"];
  request.chain = json["chain"];
  request.chord = json["chord"];
  request.delivery_info.exchange = text("exchange");
  request.delivery_info.routing_key = text("routing_key");
  request.delivery_info.queue = text("queue");
  if (auto priority = json["priority"].as_int()) {
    request.delivery_info.priority = static_cast<std::uint8_t>(*priority);
  }
  request.delivery_info.redelivered = json["redelivered"].truthy();
  request.properties = table("properties");
  return request;
}

}  // namespace celeriac::worker::prefork
