#include "tasks/alerts/timestamp.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>

namespace celeriac::alerts {
namespace {

using namespace std::chrono;

// Reads a text from left to right and remembers its first failure.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (i >= rest_.size() || rest_[i] < '0' || rest_[i] > '9') {
        failed_ = true;
        return 0;
      }
      number = number * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return number;
  }
  char any_of(std::string_view allowed) {
    if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) {
      failed_ = true;
      return '\0';
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  void skip(std::size_t count) {
    if (rest_.size() < count) failed_ = true;
    rest_.remove_prefix(std::min(count, rest_.size()));
  }
  // ".123456789" as microseconds, digits beyond them dropped.
  microseconds fraction() {
    if (rest_.empty() || rest_.front() != '.') return {};
    rest_.remove_prefix(1);
    if (rest_.empty() || !is_digit(rest_.front())) failed_ = true;
    std::int64_t micros = 0, scale = 100'000;
    while (!rest_.empty() && is_digit(rest_.front())) {
      micros += (rest_.front() - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
    }
    return microseconds(micros);
  }
  std::string_view rest() const { return rest_; }
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view rest_;
  bool failed_ = false;
};

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<Time> assemble(int y, unsigned m, unsigned d, seconds in_day, microseconds fraction) {
  const year_month_day date{year(y), month(m), day(d)};
  if (!date.ok() || in_day > 24h) return std::nullopt;
  // The clock counts nanoseconds in 64 bits: from 1678 to 2262.
  if (y < 1678 || y > 2261) return std::nullopt;
  return Time(duration_cast<Time::duration>(sys_days(date).time_since_epoch() + in_day + fraction));
}

seconds clock_time(Scanner& scanner) {
  const int hour = scanner.digits(2);
  scanner.any_of(":");
  const int minute = scanner.digits(2);
  scanner.any_of(":");
  const int second = scanner.digits(2);
  if (hour > 23 || minute > 59 || second > 60) scanner.fail();
  return hours(hour) + minutes(minute) + seconds(second);
}

}  // namespace

std::optional<Time> parse_time(std::string_view text) {
  Scanner scanner(text);
  const int y = scanner.digits(4);
  scanner.any_of("-");
  const int m = scanner.digits(2);
  scanner.any_of("-");
  const int d = scanner.digits(2);
  scanner.any_of("Tt ");
  const auto in_day = clock_time(scanner);
  const auto fraction = scanner.fraction();
  seconds offset{};
  if (!scanner.failed() && !scanner.rest().empty()) {
    const char zone = scanner.any_of("Zz+-");
    if (zone == '+' || zone == '-') {
      offset = hours(scanner.digits(2));
      if (!scanner.rest().empty() && scanner.rest().front() == ':') scanner.skip(1);
      offset += minutes(scanner.digits(2));
      if (zone == '-') offset = -offset;
    }
  }
  if (scanner.failed() || !scanner.rest().empty()) return std::nullopt;
  const auto local =
      assemble(y, static_cast<unsigned>(m), static_cast<unsigned>(d), in_day, fraction);
  if (!local) return std::nullopt;
  return *local - offset;
}

std::string to_iso8601(Time time) {
  const auto whole = floor<seconds>(time);
  const auto midnight = floor<days>(whole);
  const year_month_day date(midnight);
  const hh_mm_ss clock(whole - midnight);
  std::array<char, 64> buffer;
  const int length = std::snprintf(
      buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::optional<Time> parse_http_date(std::string_view text) {
  Scanner scanner(text);
  scanner.skip(3);  // the day of the week says nothing new
  scanner.any_of(",");
  scanner.any_of(" ");
  const int d = scanner.digits(2);
  scanner.any_of(" ");
  unsigned m = 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (scanner.rest().starts_with(kMonths[i])) m = static_cast<unsigned>(i) + 1;
  }
  scanner.skip(3);
  scanner.any_of(" ");
  const int y = scanner.digits(4);
  scanner.any_of(" ");
  const auto in_day = clock_time(scanner);
  if (scanner.failed() || scanner.rest() != " GMT") return std::nullopt;
  return assemble(y, m, static_cast<unsigned>(d), in_day, {});
}

}  // namespace celeriac::alerts
