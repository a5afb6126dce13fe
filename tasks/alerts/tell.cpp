#include <celeriac/error.h>

#include <algorithm>
#include <array>

#include "tasks/alerts/channels/lark.h"
#include "tasks/alerts/channels/slack.h"
#include "tasks/alerts/channels/webhook.h"
#include "tasks/alerts/delivery.h"
#include "tasks/alerts/encoding.h"
#include "tasks/alerts/pipeline.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

// How long a message waits in a channel's line before its task makes room and comes back.
constexpr Milliseconds kPatience = 5s;
// What a claim lasts beyond the moment at which its retry is due.
constexpr Milliseconds kRetryLease = 60s;

// A post may be followed by two more (a fresh signature, text for a card), and then by the
// confirm. Nobody else sends before.
Milliseconds sending_lease(const Channel& channel) {
  return 3 * channel.timeout + 5s;
}

Keys keys_of(const Claimed& claimed, const std::vector<std::size_t>& alarms,
             const std::string& channel) {
  Keys keys;
  for (const auto i : alarms) keys.push_back(claim_key(claimed.alarms[i], channel));
  return keys;
}

// The same for the same alarms of the same run on the same channel, however often it is tried.
std::string message_id(const Claimed& claimed, const Digest& digest, const Channel& channel) {
  std::string keys = claimed.token + '\n' + channel.name;
  for (const auto& alarm : digest.alarms()) keys += '\n' + alarm.rule + '\n' + alarm.key;
  return fingerprint(keys);
}

Post post_for(const Channel& channel, Channel::Format format, const Digest& digest,
              const std::string& id, Time now) {
  switch (channel.kind) {
    case Channel::Kind::lark:
      return lark_post(channel, format, digest, now);
    case Channel::Kind::slack:
      return slack_post(digest);
    case Channel::Kind::webhook:
      return webhook_post(channel, digest, id, now);
  }
  return {};
}

Answer judge_reply(const Channel& channel, const HttpResponse& reply, Time now) {
  switch (channel.kind) {
    case Channel::Kind::lark:
      return judge_lark(channel, reply, now);
    case Channel::Kind::slack:
      return judge_slack(channel, reply, now);
    case Channel::Kind::webhook:
      return judge_webhook(channel, reply, now);
  }
  return {};
}

void count_notification(Context& ctx, const std::string& channel, const char* outcome) {
  ctx.count("celeriac_alert_notifications_total", {{"channel", channel}, {"outcome", outcome}});
}

}  // namespace

Milliseconds Pipeline::dedupe_for(const Alarm& alarm) const {
  const auto rule = config_.rules.find(alarm.rule);
  return rule == config_.rules.end() ? Rule().dedupe_for : rule->second.dedupe_for;
}

Digest Pipeline::digest_of(const Claimed& claimed, const std::vector<std::size_t>& alarms) const {
  const auto style_of = [this](const std::string& name) -> const MessageStyle* {
    const auto rule = config_.rules.find(name);
    return rule == config_.rules.end() ? nullptr : &rule->second.message;
  };
  MessageStyle style;
  if (claimed.task) {
    const auto binding =
        std::find_if(config_.tasks.begin(), config_.tasks.end(),
                     [&](const Binding& each) { return each.task == *claimed.task; });
    if (binding != config_.tasks.end()) style = binding->message;
  } else if (const auto* own = style_of(claimed.rule)) {
    style = *own;
  }
  std::vector<Alarm> chosen;
  for (const auto i : alarms) chosen.push_back(claimed.alarms[i]);
  return Digest(claimed.run(), std::move(style), style_of, std::move(chosen));
}

Async<Answer> Pipeline::post(Context& ctx, const Channel* channel, const Digest* digest,
                             std::string id) {
  auto format = channel->format;
  bool signed_again = false;
  while (true) {
    auto post = post_for(*channel, format, *digest, id, ctx.now());
    HttpRequest request;
    request.method = "POST";
    request.url = channel->url;
    request.headers = std::move(post.headers);
    request.body = std::move(post.body);
    request.timeout = channel->timeout;
    request.max_body_bytes = 64 * 1024;
    HttpResponse reply;
    std::string trouble;
    try {
      reply = co_await ctx.http().send(request);
    } catch (const HttpError& error) {
      trouble = error.what();
    } catch (const Timeout& error) {
      trouble = error.what();
    } catch (const ConnectionLost& error) {
      trouble = error.what();
    }
    if (!trouble.empty()) {
      co_return Answer{Answer::Kind::again, "channel '" + channel->name + "': " + trouble, {}};
    }
    auto answer = judge_reply(*channel, reply, ctx.now());
    if (answer.kind == Answer::Kind::sign_again && !signed_again) {
      signed_again = true;
      continue;
    }
    if (answer.kind == Answer::Kind::as_text && format == Channel::Format::card) {
      ctx.log().warning(answer.text + "; sent as text this time");
      format = Channel::Format::text;
      continue;
    }
    const bool final = answer.kind == Answer::Kind::accepted || answer.kind == Answer::Kind::again;
    if (!final) answer.kind = Answer::Kind::refused;
    co_return answer;
  }
}

// One message: these alarms are ours to send.
Async<void> Pipeline::tell_once(Context& ctx, const Claimed* claimed, const Channel* channel,
                                std::vector<std::size_t> alarms, Delivery* delivery) {
  const auto claims = this->claims(ctx);
  const auto digest = digest_of(*claimed, alarms);
  const auto answer = co_await post(ctx, channel, &digest, message_id(*claimed, digest, *channel));
  auto keys = keys_of(*claimed, alarms, channel->name);
  switch (answer.kind) {
    case Answer::Kind::accepted: {
      count_notification(ctx, channel->name, "sent");
      for (const auto i : alarms) {
        ctx.count("celeriac_alert_alarms_total",
                  {{"rule", claimed->alarms[i].rule}, {"channel", channel->name}});
      }
      delivery->sent += alarms.size();
      // Until Redis knows, a retry must not send them again.
      delivery->unconfirmed = alarms;
      std::vector<Milliseconds> times;
      for (const auto i : alarms) times.push_back(dedupe_for(claimed->alarms[i]));
      co_await shielded(claims->confirm(std::move(keys), claimed->token, std::move(times)));
      delivery->unconfirmed.clear();
      co_return;
    }
    case Answer::Kind::again: {
      count_notification(ctx, channel->name, "retried");
      delivery->left.insert(delivery->left.end(), alarms.begin(), alarms.end());
      delivery->kind = Delivery::Kind::troubled;
      delivery->trouble = answer.text;
      delivery->after = std::max(delivery->after, answer.after.value_or(0ms));
      const auto lease = delivery->after + kRetryLease;
      co_await claims->keep(std::move(keys), delivery->attempt, lease);
      if (answer.after) co_await pace(ctx)->pause(channel->name, *answer.after);
      co_return;
    }
    default:
      count_notification(ctx, channel->name, "refused");
      delivery->failure = answer.text;
      co_await claims->release(std::move(keys), delivery->attempt);
  }
}

// Until every alarm of this channel is told, refused or has to wait for a retry.
Async<void> Pipeline::tell_all(Context& ctx, const Claimed* claimed, const Channel* channel,
                               Delivery* delivery) {
  const auto claims = this->claims(ctx);
  const auto pace = this->pace(ctx);
  while (!delivery->left.empty()) {
    if (channel->rate.limited()) {
      const auto turn = co_await pace->next(channel->name, channel->rate, kPatience);
      if (turn.kind == Turn::Kind::full) {
        delivery->trouble =
            "channel '" + channel->name + "': its rate is used up for " + to_text(turn.wait);
        delivery->kind = Delivery::Kind::waiting;
        delivery->after = turn.wait;
        auto keys = keys_of(*claimed, delivery->left, channel->name);
        co_await claims->keep(std::move(keys), delivery->attempt, turn.wait + kRetryLease);
        co_return;
      }
      if (turn.wait > 0ms) co_await ctx.sleep(turn.wait);
    }
    auto keys = keys_of(*claimed, delivery->left, channel->name);
    const auto taken =
        co_await claims->take(std::move(keys), delivery->attempt, sending_lease(*channel));
    std::vector<std::size_t> mine, busy;
    Milliseconds wait = sending_lease(*channel);
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (taken[i].kind == Taken::Kind::mine) mine.push_back(delivery->left[i]);
      if (taken[i].kind != Taken::Kind::busy) continue;
      busy.push_back(delivery->left[i]);
      wait = std::min(wait, taken[i].wait);
    }
    delivery->left = busy;
    if (!mine.empty()) {
      co_await tell_once(ctx, claimed, channel, std::move(mine), delivery);
      if (delivery->left.size() > busy.size()) co_return;  // the channel wants to be left alone
    }
    // Another attempt is at them; if it was killed, its lease ends.
    if (!busy.empty()) co_await ctx.sleep(wait + 50ms);
  }
}

}  // namespace celeriac::alerts
