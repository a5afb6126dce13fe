#include "tasks/alerts/channels/lark.h"

#include <celeriac/error.h>
#include <celeriac/json.h>

#include <algorithm>
#include <array>

#include "tasks/alerts/channels/signature.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxBody = 20'000;  // the vendor's 20 KB, signature included

Json text_tag(std::string text) {
  return Json::object({{"tag", "text"}, {"text", std::move(text)}});
}

// Every line of a message in reading order, the headings among them.
std::vector<std::string> all_lines(const Message& message) {
  std::vector<std::string> lines;
  for (const auto& section : message.sections) {
    if (!section.heading.empty()) lines.push_back(section.heading);
    lines.insert(lines.end(), section.lines.begin(), section.lines.end());
  }
  if (message.omitted > 0) lines.push_back(omitted_text(message.omitted));
  return lines;
}

JsonObject as_text(const Message& message) {
  std::string text = message.title;
  for (const auto& line : all_lines(message)) text += "\n" + line;
  return {{"msg_type", "text"}, {"content", Json::object({{"text", text}})}};
}

JsonObject as_post(const Message& message) {
  Json::Array content;
  for (auto& line : all_lines(message)) content.push_back(Json::array({text_tag(std::move(line))}));
  Json language = Json::object({{"title", message.title}, {"content", std::move(content)}});
  Json post = Json::object({{"en_us", std::move(language)}});
  return {{"msg_type", "post"}, {"content", Json::object({{"post", std::move(post)}})}};
}

std::string_view colour(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "blue";
    case Severity::warning:
      return "yellow";
    case Severity::error:
      return "orange";
    case Severity::critical:
      return "red";
  }
  return "red";
}

Json markdown(std::string text) {
  Json content = Json::object({{"tag", "lark_md"}, {"content", std::move(text)}});
  return Json::object({{"tag", "div"}, {"text", std::move(content)}});
}

// The form without `schema`: a card 2.0 is refused whole for one property it does not know.
JsonObject as_card(const Message& message) {
  Json::Array elements;
  for (const auto& section : message.sections) {
    std::string text = section.heading.empty() ? "" : "**" + section.heading + "**";
    for (const auto& line : section.lines) text += (text.empty() ? "" : "\n") + line;
    elements.push_back(markdown(std::move(text)));
  }
  if (message.omitted > 0) elements.push_back(markdown(omitted_text(message.omitted)));
  Json title = Json::object({{"tag", "plain_text"}, {"content", message.title}});
  Json header = Json::object({{"template", colour(message.severity)}, {"title", std::move(title)}});
  Json card = Json::object({{"header", std::move(header)}, {"elements", std::move(elements)}});
  return {{"msg_type", "interactive"}, {"card", std::move(card)}};
}

JsonObject body_of(Channel::Format format, const Message& message) {
  switch (format) {
    case Channel::Format::text:
      return as_text(message);
    case Channel::Format::post:
      return as_post(message);
    case Channel::Format::card:
      return as_card(message);
  }
  return as_text(message);
}

// A text message mentions people by a tag; a value must not.
std::string escape_text(std::string text) {
  for (std::size_t at = 0; (at = text.find("<at", at)) != std::string::npos; at += 3) {
    text.replace(at, 1, "‹");
  }
  return text;
}

// lark_md takes its special characters as entities.
std::string escape_markdown(std::string text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view("<>*~[]").find(c) == std::string_view::npos) {
      escaped += c;
    } else {
      escaped += "&#" + std::to_string(static_cast<int>(c)) + ";";
    }
  }
  return escaped;
}

Digest::Escape escape_for(Channel::Format format) {
  switch (format) {
    case Channel::Format::text:
      return escape_text;
    case Channel::Format::card:
      return escape_markdown;
    case Channel::Format::post:
      break;  // its text elements have no mark-up
  }
  return [](std::string text) { return text; };
}

struct Code {
  std::int64_t number;
  Answer::Kind kind;
  std::string_view remedy;
};

constexpr std::array<Code, 11> kCodes = {{
    {9499, Answer::Kind::refused, "Lark cannot read the message; simplify the rule's template"},
    {11232, Answer::Kind::again, "the bot's rate limit is used up"},
    {19001, Answer::Kind::refused, "copy the bot's webhook address into the channel's `url` again"},
    {19002, Answer::Kind::refused, "the address is no custom bot of the v2 kind; check `url`"},
    {19003, Answer::Kind::refused, "the bot is disabled; enable it in the chat's settings"},
    {19007, Answer::Kind::refused, "the bot is disabled; enable it in the chat's settings"},
    {19021, Answer::Kind::sign_again, "check the channel's `secret` and this machine's clock"},
    {19022, Answer::Kind::refused, "add this machine's address to the bot's allow-list"},
    {19024, Answer::Kind::refused, "put one of the bot's keywords into `template.title`"},
    {19036, Answer::Kind::refused, "the message is too large; lower `max_rows`"},
    {200621, Answer::Kind::as_text, "the card was not accepted; use `format: post`"},
}};
constexpr Code kOtherCard = {230099, Answer::Kind::as_text, kCodes.back().remedy};
constexpr Code kUnknown = {0, Answer::Kind::refused, "see Lark's list of custom bot errors"};

const Code& code_for(std::int64_t number, std::string_view message) {
  // A bad request may be the rate limit in disguise.
  if (message.find("frequency limited") != std::string_view::npos) return kCodes[1];
  if (number == kOtherCard.number) return kOtherCard;
  const auto* found = std::find_if(kCodes.begin(), kCodes.end(),
                                   [number](const Code& code) { return code.number == number; });
  return found == kCodes.end() ? kUnknown : *found;
}

std::optional<Json> parse_body(const std::string& body) {
  try {
    return parse_json(body);
  } catch (const MessageError&) {  // no JSON is an answer too
    return std::nullopt;
  }
}

}  // namespace

Post lark_post(const Channel& channel, Channel::Format format, const Digest& digest, Time now) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  Post post;
  post.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  post.body = encode_within(digest, kMaxBody, escape_for(format), [&](const Message& message) {
    JsonObject body;
    if (!channel.secret.empty()) {
      body.set("timestamp", std::to_string(seconds));
      body.set("sign", lark_signature(seconds, channel.secret));
    }
    for (auto& [name, value] : body_of(format, message)) body.set(name, std::move(value));
    return dump_json(Json(std::move(body)));
  });
  return post;
}

Answer judge_lark(const Channel& channel, const HttpResponse& reply, Time now) {
  const auto said = [&](std::string_view what) {
    return "channel '" + channel.name + "': Lark answered " + std::string(what);
  };
  const auto http = judge_status(reply.status);
  if (http != Answer::Kind::accepted) {
    Answer answer{http, said("HTTP " + std::to_string(reply.status) + ", " + excerpt(reply.body))};
    const auto* reset = reply.header("x-ogw-ratelimit-reset");
    answer.after = reset ? parse_retry_after(*reset, now) : retry_after(reply, now);
    return answer;
  }
  const auto body = parse_body(reply.body);
  std::optional<std::int64_t> number;
  if (body) number = (body->find("code") ? (*body)["code"] : (*body)["StatusCode"]).as_int();
  if (!number) {
    return {Answer::Kind::again,
            said("HTTP 200 without a code: " + excerpt(reply.body) + "; check `url`")};
  }
  if (*number == 0) return {};
  const auto message = (*body)["msg"].string_or("");
  const auto& known = code_for(*number, message);
  Answer answer{known.kind, said("code " + std::to_string(*number) + ", " + excerpt(message) +
                                 "; " + std::string(known.remedy))};
  if (answer.kind == Answer::Kind::again) answer.after = 2s;
  return answer;
}

}  // namespace celeriac::alerts
