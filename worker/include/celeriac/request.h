// What a task may know of the message that called it (Celery's task.request).
#pragma once

#include <celeriac/json.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace celeriac {

struct Request {
  std::string id;
  std::string task;  // registered name
  Json::Array args;
  JsonObject kwargs;
  std::int64_t retries = 0;
  std::string root_id, parent_id, group;  // empty: none
  std::optional<std::int64_t> group_index;
  std::string shadow, origin, hostname;
  std::optional<std::string> eta, expires;            // ISO 8601
  std::optional<double> time_limit, soft_time_limit;  // seconds, as the message has them
  bool ignore_result = false;
  std::int64_t replaced_task_nesting = 0;
  JsonObject headers;  // custom headers
  std::vector<std::string> stamped_headers;
  JsonObject stamps;
  std::string reply_to, correlation_id;
  Json callbacks, errbacks, chain, chord;  // signatures that follow, null when none

  struct DeliveryInfo {
    std::string exchange, routing_key, queue;
    std::optional<std::uint8_t> priority;
    bool redelivered = false;
  } delivery_info;
  JsonObject properties;  // AMQP properties by their spec names
};

}  // namespace celeriac
