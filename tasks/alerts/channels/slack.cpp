#include "tasks/alerts/channels/slack.h"

#include <celeriac/json.h>

#include <algorithm>
#include <array>
#include <utility>

namespace celeriac::alerts {
namespace {

// Slack's limits: blocks of a message, characters of a section and of the whole text. Ours count
// bytes and stay below them.
constexpr std::size_t kMaxBlocks = 50;
constexpr std::size_t kMaxSection = 3000;
constexpr std::size_t kMaxText = 40'000;

std::string escape(std::string text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

Json section(std::string text) {
  Json content = Json::object({{"type", "mrkdwn"}, {"text", std::move(text)}});
  return Json::object({{"type", "section"}, {"text", std::move(content)}});
}

// The sections of a message, cut into blocks between lines. A line cut short may lose half of an
// entity at its end, never more.
std::vector<std::string> block_texts(const Message& message) {
  std::vector<std::string> texts;
  for (const auto& group : message.sections) {
    std::string text = group.heading.empty() ? "" : "*" + group.heading + "*";
    for (const auto& line : group.lines) {
      const auto cut = cut_text(line, kMaxSection);
      if (!text.empty() && text.size() + 1 + cut.size() > kMaxSection) {
        texts.push_back(std::exchange(text, {}));
      }
      text += (text.empty() ? "" : "\n") + cut;
    }
    texts.push_back(std::move(text));
  }
  if (message.omitted > 0) texts.push_back(omitted_text(message.omitted));
  return texts;
}

struct Body {
  std::string text;
  std::size_t blocks = 0;
};

Body body_of(const Message& message) {
  Json title = Json::object({{"type", "plain_text"}, {"text", message.title}});
  Json::Array blocks;
  blocks.push_back(Json::object({{"type", "header"}, {"text", std::move(title)}}));
  std::string plain = escape(message.title);
  for (auto& text : block_texts(message)) {
    plain += "\n" + text;
    blocks.push_back(section(std::move(text)));
  }
  const auto count = blocks.size();
  Json body = Json::object({{"text", std::move(plain)}, {"blocks", std::move(blocks)}});
  return {dump_json(body), count};
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kRemedies = {{
    {"invalid_payload", "Slack cannot read the message; simplify the rule's template"},
    {"invalid_blocks", "Slack cannot lay out the message; simplify the rule's template"},
    {"no_text", "the rule's template gives an empty message"},
    {"action_prohibited", "an administrator forbids posting there"},
    {"invalid_token", "the webhook was revoked; make a new one and change the channel's `url`"},
    {"channel_not_found", "the webhook's chat is gone; make a new one and change `url`"},
    {"no_service", "the webhook was removed or disabled; make a new one and change `url`"},
    {"no_team", "the workspace is gone; change the channel's `url`"},
    {"channel_is_archived", "the chat is archived; make a webhook elsewhere and change `url`"},
}};

std::string_view remedy_for(std::string_view body) {
  const auto* found = std::find_if(kRemedies.begin(), kRemedies.end(),
                                   [body](const auto& entry) { return entry.first == body; });
  return found == kRemedies.end() ? "see Slack's list of webhook errors" : found->second;
}

}  // namespace

Post slack_post(const Digest& digest) {
  Post post;
  post.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  // JSON's escapes only make it longer, so what fits encoded fits.
  post.body = encode_within(digest, kMaxText, escape, [](const Message& message) {
    auto body = body_of(message);
    // What has too many blocks is as good as too long.
    return body.blocks > kMaxBlocks ? std::string(kMaxText + 1, ' ') : std::move(body.text);
  });
  return post;
}

Answer judge_slack(const Channel& channel, const HttpResponse& reply, Time now) {
  const auto said = "channel '" + channel.name + "': Slack answered HTTP " +
                    std::to_string(reply.status) + ", " + excerpt(reply.body);
  const auto kind = judge_status(reply.status);
  if (kind == Answer::Kind::accepted) {
    if (reply.body == "ok") return {};
    return {Answer::Kind::refused, said + "; `url` is no incoming webhook"};
  }
  if (kind == Answer::Kind::refused) {
    return {kind, said + "; " + std::string(remedy_for(reply.body))};
  }
  Answer answer{kind, said};
  answer.after = retry_after(reply, now);
  return answer;
}

}  // namespace celeriac::alerts
