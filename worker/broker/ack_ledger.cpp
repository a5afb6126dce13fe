#include "worker/broker/ack_ledger.h"

#include <algorithm>
#include <cassert>

namespace celeriac::worker {

void AckLedger::delivered(std::uint64_t tag) {
  assert(tag >= first_ + states_.size() && "delivery tags grow");
  if (states_.empty()) first_ = tag;
  // Tags in between belong to deliveries that nobody settles.
  states_.resize(tag - first_, State::done);
  states_.push_back(State::unsettled);
  ++unsettled_;
}

AckLedger::State* AckLedger::find(std::uint64_t tag) {
  if (tag < first_ || tag - first_ >= states_.size()) return nullptr;
  return &states_[tag - first_];
}

bool AckLedger::settle(std::uint64_t tag, Verdict verdict) {
  State* state = find(tag);
  if (!state || *state != State::unsettled) return false;
  *state = verdict == Verdict::ack ? State::ack : State::done;
  --unsettled_;
  settled_.push_back({tag, verdict});
  return true;
}

// Forgets the tags before the first one that still waits; the last one among
// them whose ack the broker has not seen, or 0.
std::uint64_t AckLedger::drop_finished_run() {
  std::uint64_t last_ack = 0;
  while (!states_.empty() && states_.front() != State::unsettled) {
    if (states_.front() == State::ack) last_ack = first_;
    states_.pop_front();
    ++first_;
  }
  return last_ack;
}

std::vector<Settlement> AckLedger::flush() {
  std::vector<Settlement> out;
  if (settled_.empty()) return out;
  std::sort(settled_.begin(), settled_.end(),
            [](const Marked& a, const Marked& b) { return a.tag < b.tag; });

  // Before the acks: an `up_to` must not cover a tag that is to be rejected.
  for (const Marked& marked : settled_) {
    if (marked.verdict != Verdict::ack) out.push_back({marked.verdict, marked.tag});
  }

  // `tag` itself must be outstanding at the broker, so the run ends at an ack.
  const std::uint64_t run_end = drop_finished_run();
  const auto in_run = std::count_if(settled_.begin(), settled_.end(), [&](const Marked& marked) {
    return marked.verdict == Verdict::ack && marked.tag <= run_end;
  });
  if (in_run > 0) {
    const auto extent = in_run > 1 ? Settlement::Extent::up_to : Settlement::Extent::one;
    out.push_back({Verdict::ack, run_end, extent});
  }

  for (const Marked& marked : settled_) {
    if (marked.verdict != Verdict::ack || marked.tag <= run_end) continue;
    out.push_back({Verdict::ack, marked.tag});
    *find(marked.tag) = State::done;
  }
  settled_.clear();
  return out;
}

}  // namespace celeriac::worker
