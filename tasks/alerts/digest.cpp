#include "tasks/alerts/digest.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace celeriac::alerts {
namespace {

// A single line must leave room for others in the smallest channel (20 KB, and an escaped
// character may take six bytes for one).
constexpr std::size_t kMaxLine = 1000;
constexpr std::size_t kMaxTitle = 150;  // Slack's header

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string plain_line(const Alarm& alarm) {
  return cut_text(alarm.reason.empty() ? alarm.key : alarm.key + ": " + alarm.reason, kMaxLine);
}

std::string group_name(const GroupBy& group_by, const Alarm& alarm) {
  const auto cell = alarm.field(group_by.field);
  if (!cell) return {};
  std::string name = cell_text(*cell);
  if (!group_by.prefix.empty()) name.resize(std::min(name.size(), name.find(group_by.prefix)));
  if (group_by.length > 0) {
    std::size_t end = 0, characters = 0;
    while (end < name.size() && characters < group_by.length) {
      ++end;
      while (end < name.size() && is_continuation(name[end])) ++end;
      ++characters;
    }
    name.resize(end);
  }
  return name;
}

}  // namespace

Digest::Digest(std::string run, MessageStyle style, const StyleOf& style_of,
               std::vector<Alarm> alarms)
    : run_(std::move(run)),
      style_(std::move(style)),
      alarms_(std::move(alarms)),
      max_rows_(style_.max_rows) {
  for (const auto& alarm : alarms_) {
    if (rule_styles_.contains(alarm.rule)) continue;
    const auto* own = style_of(alarm.rule);
    rule_styles_.emplace(alarm.rule, own ? *own : MessageStyle{});
  }
  std::stable_sort(alarms_.begin(), alarms_.end(), [](const Alarm& a, const Alarm& b) {
    return std::tie(b.severity, a.key) < std::tie(a.severity, b.key);
  });
}

const MessageStyle& Digest::style_for(const Alarm& alarm) const {
  return rule_styles_.at(alarm.rule);
}

Severity Digest::severity() const {
  return alarms_.empty() ? Severity::info : alarms_.front().severity;
}

std::string Digest::title() const {
  if (style_.title.empty()) {
    const auto start = "[" + std::string(to_text(severity())) + "] " + run_ + ": ";
    if (alarms_.size() == 1) return cut_text(start + alarms_.front().key, kMaxTitle);
    return cut_text(start + std::to_string(alarms_.size()) + " alarms", kMaxTitle);
  }
  auto rendered = style_.title.render([this](std::string_view name) -> std::optional<Json> {
    if (name == "run" || name == "rule" || name == "task") return Json(run_);
    if (name == "count") return Json(alarms_.size());
    if (name == "severity") return Json(to_text(severity()));
    return std::nullopt;
  });
  return cut_text(std::move(rendered.text), kMaxTitle);
}

std::string Digest::line(const Alarm& alarm, const Escape& escape) const {
  const auto& own = style_for(alarm).text;
  const auto& text = own.empty() ? style_.text : own;
  if (text.empty()) return escape(plain_line(alarm));
  const auto rendered = text.render([&](std::string_view name) -> std::optional<Json> {
    auto cell = alarm.field(name);
    if (cell && cell->is_string()) return Json(escape(cut_text(*cell->as_string(), kMaxLine)));
    return cell;
  });
  // An empty line says nothing, and Slack refuses it.
  if (is_blank(rendered.text)) return escape(plain_line(alarm));
  return cut_text(rendered.text, 2 * kMaxLine);
}

std::string Digest::heading(const Alarm& alarm) const {
  const auto& group_by = style_.group_by ? style_.group_by : style_for(alarm).group_by;
  return group_by ? cut_text(group_name(*group_by, alarm), kMaxTitle) : std::string();
}

Message Digest::message(std::size_t rows, const Escape& escape) const {
  Message message;
  message.title = title();
  message.severity = severity();
  std::map<std::string, std::vector<std::string>> sections;
  for (std::size_t i = 0; i < std::min(rows, alarms_.size()); ++i) {
    sections[heading(alarms_[i])].push_back(line(alarms_[i], escape));
  }
  for (auto& [heading, lines] : sections) {
    message.sections.push_back({escape(heading), std::move(lines)});
  }
  message.omitted = alarms_.size() - std::min(rows, alarms_.size());
  return message;
}

std::string omitted_text(std::size_t omitted) {
  return omitted == 0 ? std::string() : "… and " + std::to_string(omitted) + " more";
}

std::string cut_text(std::string text, std::size_t max_bytes) {
  static constexpr std::string_view kEllipsis = "…";
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes > kEllipsis.size() ? max_bytes - kEllipsis.size() : 0;
  while (end > 0 && is_continuation(text[end])) --end;
  text.resize(end);
  return text.append(kEllipsis);
}

std::string encode_within(const Digest& digest, std::size_t limit, const Digest::Escape& escape,
                          const std::function<std::string(const Message&)>& encode) {
  const auto body_of = [&](std::size_t rows) { return encode(digest.message(rows, escape)); };
  std::size_t most = std::min(digest.max_rows(), digest.alarms().size());
  auto body = body_of(most);
  if (body.size() <= limit) return body;
  // `least` fits, `most` does not. Nothing at all always fits: a title and a count.
  std::size_t least = 0;
  body = body_of(least);
  while (least + 1 < most) {
    const auto middle = least + (most - least) / 2;
    auto longer = body_of(middle);
    if (longer.size() <= limit) {
      least = middle;
      body = std::move(longer);
    } else {
      most = middle;
    }
  }
  return body;
}

}  // namespace celeriac::alerts
