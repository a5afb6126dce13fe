#include "protocol/message/timestamp.h"

#include <array>
#include <cstdint>

namespace celeriac::protocol {
namespace {

using namespace std::chrono;

// Reads ISO 8601 from left to right. After the first thing that does not fit it
// has failed for good; the caller asks once at the end.
class Iso8601Reader {
 public:
  explicit Iso8601Reader(std::string_view text) : rest_(text) {}

  std::optional<Timestamp> read() {
    const sys_days date = read_date();
    microseconds time{};
    if (!failed_ && !rest_.empty()) {
      rest_.remove_prefix(1);  // any single character separates date and time
      time = read_time();
    }
    if (failed_ || !rest_.empty()) return std::nullopt;
    return in_range(Timestamp(date) + time);
  }

 private:
  // A zone can move a time out of the years that four digits can name.
  static std::optional<Timestamp> in_range(Timestamp time) {
    const bool fits = time >= start_of(1) && time < start_of(10000);
    return fits ? std::optional(time) : std::nullopt;
  }

  // YYYY, YYYY-MM, YYYY-MM-DD, YYYYMMDD, YYYY-DDD, YYYYDDD, YYYY-Www[-D], YYYYWww[D]
  sys_days read_date() {
    const int year = read_digits(4);
    if (year < 1) failed_ = true;
    if (failed_ || rest_.empty()) return start_of(year);
    const bool dashes = take('-');
    if (take('W')) return read_week_date(year, dashes);
    const std::size_t digits = count_digits();
    if (digits == 3) return read_ordinal_date(year);
    if (digits != 2 && dashes) failed_ = true;
    const int month = read_digits(2);
    if (rest_.empty() && dashes) return checked_date(year, month, 1);
    if (dashes) expect('-');
    return checked_date(year, month, read_digits(2));
  }

  static sys_days start_of(int year) { return sys_days(chrono_year(year) / January / 1); }
  static std::chrono::year chrono_year(int value) { return std::chrono::year(value); }

  sys_days checked_date(int year, int month, int day) {
    const year_month_day date = chrono_year(year) / month / day;
    if (!date.ok()) failed_ = true;
    return failed_ ? sys_days() : sys_days(date);
  }

  sys_days read_ordinal_date(int year) {
    const int day = read_digits(3);
    if (day < 1 || day > (chrono_year(year).is_leap() ? 366 : 365)) failed_ = true;
    return start_of(year) + days(day - 1);
  }

  sys_days read_week_date(int year, bool dashes) {
    const int week = read_digits(2);
    int day = 1;
    if (!rest_.empty()) {
      if (dashes) expect('-');
      day = read_digits(1);
    }
    if (week < 1 || week > 53 || day < 1 || day > 7) failed_ = true;
    const sys_days fourth = start_of(year) + days(3);  // always in week 1
    const weekday first_weekday(fourth);
    return fourth - (first_weekday - Monday) + weeks(week - 1) + days(day - 1);
  }

  // hh[[:]mm[[:]ss[.ffffff]]][zone]; 24:00 is the midnight that ends the day.
  microseconds read_time() {
    const int hour = read_digits(2);
    int minute = 0, second = 0, fraction = 0;
    if (!at_zone_or_end()) {
      const bool colons = take(':');
      minute = read_digits(2);
      if (!at_zone_or_end()) {
        if (colons) expect(':');
        second = read_digits(2);
        fraction = read_fraction();
      }
    }
    const bool end_of_day = hour == 24 && minute == 0 && second == 0 && fraction == 0;
    if ((hour > 23 && !end_of_day) || minute > 59 || second > 59) failed_ = true;
    const minutes offset = read_zone();
    return hours(hour) + minutes(minute) + seconds(second) + microseconds(fraction) - offset;
  }

  bool at_zone_or_end() const {
    return failed_ || rest_.empty() || std::string_view("+-Zz").find(rest_[0]) != rest_.npos;
  }

  // Digits beyond microseconds are dropped, as dateutil does.
  int read_fraction() {
    if (!take('.') && !take(',')) return 0;
    const std::size_t digits = count_digits();
    if (digits == 0) failed_ = true;
    int value = 0;
    for (std::size_t i = 0; i < 6; ++i) value = value * 10 + (i < digits ? rest_[i] - '0' : 0);
    rest_.remove_prefix(digits);
    return value;
  }

  // Z, +hh, +hhmm, +hh:mm
  minutes read_zone() {
    if (failed_ || rest_.empty() || take('Z') || take('z')) return minutes(0);
    const bool west = take('-');
    if (!west) expect('+');
    const int hour = read_digits(2);
    int minute = 0;
    if (!rest_.empty()) {
      take(':');
      minute = read_digits(2);
    }
    if (hour > 23 || minute > 59) failed_ = true;
    const minutes offset = hours(hour) + minutes(minute);
    return west ? -offset : offset;
  }

  std::size_t count_digits() const {
    std::size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') ++count;
    return count;
  }

  int read_digits(std::size_t count) {
    if (count_digits() < count) failed_ = true;
    if (failed_) return 0;
    int value = 0;
    for (char digit : rest_.substr(0, count)) value = value * 10 + (digit - '0');
    rest_.remove_prefix(count);
    return value;
  }

  bool take(char expected) {
    if (failed_ || rest_.empty() || rest_[0] != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char expected) {
    if (!take(expected)) failed_ = true;
  }

  std::string_view rest_;
  bool failed_ = false;
};

char* write_digits(char* out, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

}  // namespace

std::optional<Timestamp> parse_iso8601(std::string_view text) {
  return Iso8601Reader(text).read();
}

std::string to_iso8601(Timestamp time) {
  const sys_days date = floor<days>(time);
  const year_month_day ymd(date);
  const hh_mm_ss clock(time - date);
  std::array<char, 40> buffer;
  char* out = write_digits(buffer.data(), static_cast<unsigned>(static_cast<int>(ymd.year())), 4);
  *out++ = '-';
  out = write_digits(out, static_cast<unsigned>(ymd.month()), 2);
  *out++ = '-';
  out = write_digits(out, static_cast<unsigned>(ymd.day()), 2);
  *out++ = 'T';
  out = write_digits(out, static_cast<unsigned>(clock.hours().count()), 2);
  *out++ = ':';
  out = write_digits(out, static_cast<unsigned>(clock.minutes().count()), 2);
  *out++ = ':';
  out = write_digits(out, static_cast<unsigned>(clock.seconds().count()), 2);
  if (clock.subseconds().count() != 0) {
    *out++ = '.';
    out = write_digits(out, static_cast<unsigned>(clock.subseconds().count()), 6);
  }
  return std::string(buffer.data(), out).append("+00:00");
}

double to_unix_seconds(Timestamp time) {
  return static_cast<double>(time.time_since_epoch().count()) / 1e6;
}

}  // namespace celeriac::protocol
