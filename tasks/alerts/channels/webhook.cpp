#include "tasks/alerts/channels/webhook.h"

#include <celeriac/json.h>

#include <algorithm>
#include <array>

#include "tasks/alerts/channels/signature.h"
#include "tasks/alerts/encoding.h"

namespace celeriac::alerts {
namespace {

constexpr std::size_t kMaxBody = 1024 * 1024;

JsonObject labels_of(const Alarm& alarm) {
  JsonObject labels;
  for (const auto& [name, value] : alarm.row.labels) labels.set(name, cell_text(value));
  labels.set("alertname", alarm.rule);
  labels.set("severity", to_text(alarm.severity));
  return labels;
}

// The members that all of them have, with one value.
JsonObject in_common(const std::vector<JsonObject>& all) {
  JsonObject common;
  if (all.empty()) return common;
  for (const auto& [name, value] : all.front()) {
    const auto has_it = [&](const JsonObject& labels) {
      const auto* other = labels.find(name);
      return other != nullptr && *other == value;
    };
    if (std::all_of(all.begin(), all.end(), has_it)) common.set(name, value);
  }
  return common;
}

Json alert_of(const Digest& digest, const Alarm& alarm, const std::string& now) {
  JsonObject annotations;
  annotations.set("summary", digest.line(alarm, [](std::string text) { return text; }));
  annotations.set("description", alarm.reason);
  JsonObject alert;
  alert.set("status", "firing");
  alert.set("labels", labels_of(alarm));
  alert.set("annotations", std::move(annotations));
  alert.set("values", alarm.row.values);
  alert.set("key", alarm.key);
  alert.set("startsAt", alarm.row.time.value_or(now));
  alert.set("endsAt", "0001-01-01T00:00:00Z");  // not over, in Alertmanager's words
  alert.set("generatorURL", "");
  alert.set("fingerprint", fingerprint(alarm.rule + '\0' + alarm.key));
  return alert;
}

std::string body_of(const Channel& channel, const Digest& digest, std::size_t rows, Time now) {
  Json::Array alerts;
  std::vector<JsonObject> labels;
  const auto time = to_iso8601(now);
  for (std::size_t i = 0; i < rows; ++i) {
    const auto& alarm = digest.alarms()[i];
    labels.push_back(labels_of(alarm));
    alerts.push_back(alert_of(digest, alarm, time));
  }
  JsonObject body;
  body.set("version", "4");
  body.set("groupKey", digest.run());
  body.set("status", "firing");
  body.set("receiver", channel.name);
  body.set("groupLabels", Json::object({{"run", digest.run()}}));
  body.set("commonLabels", in_common(labels));
  body.set("commonAnnotations", Json::object({{"title", digest.title()}}));
  body.set("externalURL", "");
  body.set("truncatedAlerts", digest.alarms().size() - rows);
  body.set("alerts", std::move(alerts));
  return dump_json(Json(std::move(body)));
}

}  // namespace

Post webhook_post(const Channel& channel, const Digest& digest, const std::string& id, Time now) {
  Post post;
  std::size_t rows = std::min(digest.max_rows(), digest.alarms().size());
  post.body = body_of(channel, digest, rows, now);
  while (post.body.size() > kMaxBody && rows > 0) {
    rows /= 2;
    post.body = body_of(channel, digest, rows, now);
  }
  post.headers = {
      {"Content-Type", "application/json"}, {"Idempotency-Key", id}, {"X-Alert-Id", id}};
  if (!channel.secret.empty()) {
    post.headers.emplace_back("X-Signature", body_signature(post.body, channel.secret));
  }
  return post;
}

Answer judge_webhook(const Channel& channel, const HttpResponse& reply, Time now) {
  const auto kind = judge_status(reply.status);
  if (kind == Answer::Kind::accepted) return {};
  Answer answer{kind, "channel '" + channel.name + "': the webhook answered HTTP " +
                          std::to_string(reply.status) + ", " + excerpt(reply.body)};
  if (kind == Answer::Kind::refused) answer.text += "; check the channel's `url` and `secret`";
  answer.after = retry_after(reply, now);
  return answer;
}

}  // namespace celeriac::alerts
