#include "tasks/alerts/digest.h"

#include <gtest/gtest.h>

#include "tests/unit/tasks/alerts/alarms.h"

namespace celeriac::alerts {
namespace {

// "heading: line | line" for each section.
std::vector<std::string> sections(const Message& message) {
  std::vector<std::string> texts;
  for (const auto& section : message.sections) {
    std::string text = section.heading + ":";
    for (const auto& line : section.lines) text += " " + line + " |";
    texts.push_back(text);
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Digest, SpeaksForItselfWithoutATemplate) {
  const auto one = make_digest({make_alarm("a")});
  EXPECT_EQ(one.title(), "[warning] cpu: a:cpu");
  EXPECT_EQ(sections(one.message(9, unescaped)), Texts{": a:cpu: usage is 95, expected < 90 |"});
  EXPECT_EQ(make_digest(many_alarms(3)).title(), "[warning] cpu: 3 alarms");
}

TEST(Digest, TheWorstComesFirst) {
  const auto digest = make_digest({make_alarm("b"), make_alarm("c", Severity::critical),
                                   make_alarm("a"), make_alarm("d", Severity::info)});
  Texts keys;
  for (const auto& alarm : digest.alarms()) keys.push_back(alarm.key);
  EXPECT_EQ(keys, (Texts{"c:cpu", "a:cpu", "b:cpu", "d:cpu"}));
  EXPECT_EQ(digest.severity(), Severity::critical);
}

TEST(Digest, FillsTemplates) {
  MessageStyle style;
  style.title = text_template("{run}: {count} {severity}");
  style.text = text_template("{host} at {usage:.1f} ({reason}) {nothing}");
  const auto digest = make_digest({make_alarm("a")}, style);
  EXPECT_EQ(digest.title(), "cpu: 1 warning");
  EXPECT_EQ(sections(digest.message(9, unescaped)),
            Texts{": a at 95.0 (usage is 95, expected < 90) ? |"});
}

TEST(Digest, ATemplateThatSaysNothingGivesWayToOurText) {
  MessageStyle style;
  style.text = text_template(" {message}");
  auto silent = make_alarm("a");
  silent.row.values.set("message", "");
  EXPECT_EQ(sections(make_digest({silent}, style).message(9, unescaped)),
            Texts{": a:cpu: usage is 95, expected < 90 |"});
}

TEST(Digest, GroupsByAPrefixOfAField) {
  MessageStyle style;
  style.group_by = GroupBy{"host", "-", 0};
  style.text = text_template("{host}");
  const auto digest = make_digest(
      {make_alarm("south-01"), make_alarm("north-02"), make_alarm("north-01"), make_alarm("lone")},
      style);
  EXPECT_EQ(sections(digest.message(9, unescaped)),
            (Texts{"lone: lone |", "north: north-01 | north-02 |", "south: south-01 |"}));
}

TEST(Digest, GroupsByTheFirstCharacters) {
  MessageStyle style;
  style.group_by = GroupBy{"host", "", 2};
  const auto digest = make_digest({make_alarm("上海一号")}, style);
  EXPECT_EQ(digest.heading(digest.alarms().front()), "上海");
}

TEST(Digest, AlarmsOfSeveralRulesKeepTheirOwnTemplates) {
  MessageStyle cpu, disk;
  cpu.text = text_template("cpu {host}");
  disk.text = text_template("disk {host}");
  auto other = make_alarm("b");
  other.rule = "disk";
  const auto style_of = [&](const std::string& rule) { return rule == "cpu" ? &cpu : &disk; };
  const Digest digest("MAINTASK", {}, style_of, {make_alarm("a"), other});
  EXPECT_EQ(sections(digest.message(9, unescaped)), Texts{": cpu a | disk b |"});
  EXPECT_EQ(digest.title(), "[warning] MAINTASK: 2 alarms");
}

TEST(Digest, EscapesValuesAndNotTheTemplate) {
  MessageStyle style;
  style.text = text_template("<b>{host}</b> {usage}");
  const auto digest = make_digest({make_alarm("<i>")}, style);
  const auto shout = [](std::string text) { return "ESC(" + text + ")"; };
  EXPECT_EQ(sections(digest.message(1, shout)), Texts{"ESC(): <b>ESC(<i>)</b> 95 |"});
}

TEST(Digest, CountsWhatItDoesNotShow) {
  const auto message = make_digest(many_alarms(5)).message(2, unescaped);
  EXPECT_EQ(message.sections.front().lines.size(), 2u);
  EXPECT_EQ(message.omitted, 3u);
  EXPECT_EQ(omitted_text(3), "… and 3 more");
  EXPECT_EQ(omitted_text(0), "");
}

TEST(CutText, CutsBetweenCharacters) {
  EXPECT_EQ(cut_text("short", 10), "short");
  EXPECT_EQ(cut_text("abcdefghij", 8), "abcde…");
  for (std::size_t limit = 3; limit < 20; ++limit) {
    const auto cut = cut_text("号号号号号号号", limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_EQ(cut.size() % 3, 0u) << limit;  // whole characters only
  }
}

TEST(EncodeWithin, ShowsAsManyRowsAsFit) {
  MessageStyle style;
  style.max_rows = 100;
  const auto digest = make_digest(many_alarms(100), style);
  std::size_t shown = 0;
  const auto encode = [&](const Message& message) {
    shown = message.sections.empty() ? 0 : message.sections.front().lines.size();
    return std::string(10 + shown * 10, 'x');
  };
  for (const auto& [limit, rows] : std::vector<std::pair<std::size_t, std::size_t>>{
           {2000, 100}, {1010, 100}, {1009, 99}, {500, 49}, {20, 1}, {19, 0}}) {
    EXPECT_EQ(encode_within(digest, limit, unescaped, encode).size(), 10 + rows * 10) << limit;
  }
}

TEST(EncodeWithin, NeverShowsMoreThanTheStyleWants) {
  MessageStyle style;
  style.max_rows = 3;
  const auto body =
      encode_within(make_digest(many_alarms(9), style), 100'000, unescaped, [](const Message& m) {
        return std::to_string(m.sections.front().lines.size()) + "+" + std::to_string(m.omitted);
      });
  EXPECT_EQ(body, "3+6");
}

}  // namespace
}  // namespace celeriac::alerts
