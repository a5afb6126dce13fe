// The alarms of one run as one message: sorted, grouped, worded, cut. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/alerts/alarm.h"

namespace celeriac::alerts {

struct Message {
  struct Section {
    std::string heading;  // empty: not grouped
    std::vector<std::string> lines;
  };
  std::string title;
  Severity severity = Severity::warning;
  std::vector<Section> sections;
  std::size_t omitted = 0;  // alarms it only counts
};

class Digest {
 public:
  // What a channel's mark-up needs done to a row's own text, so that no value can
  // mention people or break the layout.
  using Escape = std::function<std::string(std::string text)>;
  // A rule's own style, or null for a rule that is gone from the file.
  using StyleOf = std::function<const MessageStyle*(const std::string& rule)>;

  // `run` is the rule or the bound task; what its style leaves open is the rules' own.
  Digest(std::string run, MessageStyle style, const StyleOf& style_of, std::vector<Alarm> alarms);

  const std::string& run() const { return run_; }
  // The worst first.
  const std::vector<Alarm>& alarms() const { return alarms_; }
  Severity severity() const;
  // As many alarms as the style wants to see in one message.
  std::size_t max_rows() const { return max_rows_; }

  // The message that shows the worst `rows` of them.
  Message message(std::size_t rows, const Escape& escape) const;
  std::string title() const;
  std::string line(const Alarm& alarm, const Escape& escape) const;
  std::string heading(const Alarm& alarm) const;

 private:
  const MessageStyle& style_for(const Alarm& alarm) const;

  std::string run_;
  MessageStyle style_;
  std::map<std::string, MessageStyle> rule_styles_;
  std::vector<Alarm> alarms_;
  std::size_t max_rows_;
};

// "… and 12 more", or nothing if none were left out.
std::string omitted_text(std::size_t omitted);

// At most so many bytes of a UTF-8 text, cut between characters, with an ellipsis.
std::string cut_text(std::string text, std::size_t max_bytes);

// The longest body within `limit` bytes that `encode(message)` gives: rows are left out from the
// end, the least bad first. Sizes are taken after encoding, since escapes may grow a text sixfold.
std::string encode_within(const Digest& digest, std::size_t limit, const Digest::Escape& escape,
                          const std::function<std::string(const Message&)>& encode);

}  // namespace celeriac::alerts
