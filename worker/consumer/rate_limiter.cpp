#include "worker/consumer/rate_limiter.h"

#include <algorithm>

namespace celeriac::worker {
namespace {

using Seconds = std::chrono::duration<double>;

// A limit that was lifted while tasks waited: they may all go.
constexpr double kUnlimited = 1e9;

}  // namespace

void TokenBucket::fill(Clock::time_point now) {
  if (filled_ && now > *filled_) {
    tokens_ = std::min(1.0, tokens_ + rate_ * Seconds(now - *filled_).count());
  }
  filled_ = filled_ ? std::max(*filled_, now) : now;
}

bool TokenBucket::take(Clock::time_point now) {
  fill(now);
  // A timer set for the very moment may see a token that misses one by a rounding error.
  if (tokens_ < 1 - 1e-9) return false;
  tokens_ = std::max(0.0, tokens_ - 1);
  return true;
}

Clock::time_point TokenBucket::ready_at(Clock::time_point now) const {
  TokenBucket later = *this;
  later.fill(now);
  if (later.tokens_ >= 1) return now;
  return now + std::chrono::ceil<Clock::duration>(Seconds((1 - later.tokens_) / rate_));
}

RateLimiter::Line& RateLimiter::line_of(const TaskType& type) {
  const auto place = lines_.find(&type);
  if (place != lines_.end()) return place->second;
  return lines_.emplace(&type, Line{TokenBucket(type.rate_limit.value_or(kUnlimited)), {}})
      .first->second;
}

bool RateLimiter::admits(const TaskType& type, Clock::time_point now) {
  if (!type.rate_limit) return true;
  Line& line = line_of(type);
  return line.waiting.empty() && line.bucket.take(now);
}

std::chrono::seconds RateLimiter::wait_of_next(const TaskType& type) {
  const auto ahead = static_cast<double>(line_of(type).waiting.size());
  return std::chrono::ceil<std::chrono::seconds>(
      Seconds((ahead + 1) / type.rate_limit.value_or(kUnlimited)));
}

void RateLimiter::hold(TaskRequestPtr request) {
  request->stage = TaskRequest::Stage::rate_limited;
  Line& line = line_of(request->type);
  line.waiting.push_back(std::move(request));
  ++size_;
}

std::vector<TaskRequestPtr> RateLimiter::release(Clock::time_point now) {
  std::vector<TaskRequestPtr> released;
  for (auto& [type, line] : lines_) {
    while (!line.waiting.empty() && line.bucket.take(now)) {
      released.push_back(std::move(line.waiting.front()));
      line.waiting.pop_front();
      --size_;
    }
  }
  return released;
}

std::optional<Clock::time_point> RateLimiter::next_release(Clock::time_point now) const {
  std::optional<Clock::time_point> next;
  for (const auto& [type, line] : lines_) {
    if (line.waiting.empty()) continue;
    const Clock::time_point ready = line.bucket.ready_at(now);
    if (!next || ready < *next) next = ready;
  }
  return next;
}

void RateLimiter::limit_changed(const TaskType& type) {
  const auto place = lines_.find(&type);
  if (place != lines_.end()) {
    place->second.bucket = TokenBucket(type.rate_limit.value_or(kUnlimited));
  }
}

std::vector<TaskRequestPtr> RateLimiter::take_all() {
  std::vector<TaskRequestPtr> all;
  for (auto& [type, line] : lines_) {
    for (TaskRequestPtr& request : line.waiting) all.push_back(std::move(request));
    line.waiting.clear();
  }
  size_ = 0;
  return all;
}

TaskRequestPtr RateLimiter::take(std::string_view id) {
  for (auto& [type, line] : lines_) {
    const auto place = std::ranges::find_if(
        line.waiting, [&](const auto& request) { return request->id() == id; });
    if (place == line.waiting.end()) continue;
    TaskRequestPtr taken = std::move(*place);
    line.waiting.erase(place);
    --size_;
    return taken;
  }
  return nullptr;
}

}  // namespace celeriac::worker
