// Alarms and digests as the tests write them.
#pragma once

#include <celeriac/http.h>

#include <string>
#include <utility>
#include <vector>

#include "tasks/alerts/digest.h"

namespace celeriac::alerts {

inline Template text_template(std::string_view text) {
  return std::get<Template>(Template::parse(text));
}

inline Alarm make_alarm(std::string host, Severity severity = Severity::warning,
                        std::string reason = "usage is 95, expected < 90") {
  Alarm alarm;
  alarm.rule = "cpu";
  alarm.key = host + ":cpu";
  alarm.severity = severity;
  alarm.reason = std::move(reason);
  alarm.row.series = "cpu";
  alarm.row.labels = {{"host", std::move(host)}};
  alarm.row.values = {{"usage", 95}};
  alarm.channels = {"ops"};
  return alarm;
}

inline std::vector<Alarm> many_alarms(std::size_t count, const std::string& text = "") {
  std::vector<Alarm> alarms;
  for (std::size_t i = 0; i < count; ++i) {
    alarms.push_back(make_alarm("h" + std::to_string(1000 + i) + text));
  }
  return alarms;
}

inline Digest make_digest(std::vector<Alarm> alarms, MessageStyle style = {}) {
  const auto same = [&style](const std::string&) { return &style; };
  return Digest("cpu", style, same, std::move(alarms));
}

inline std::string unescaped(std::string text) {
  return text;
}

inline HttpResponse reply(int status, std::string body, HttpHeaders headers = {}) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

}  // namespace celeriac::alerts
