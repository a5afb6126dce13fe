// Decides which deliveries may be settled together (AMQP 0-9-1, basic.ack with multiple).
//
// One ledger serves one channel: tags are per channel and grow. Not thread safe;
// it lives on the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "worker/broker/broker.h"

namespace celeriac::worker {

// One method to send. `up_to` covers every outstanding tag not above `tag`.
struct Settlement {
  enum class Extent { one, up_to };
  Verdict verdict = Verdict::ack;
  std::uint64_t tag = 0;
  Extent extent = Extent::one;
  bool operator==(const Settlement&) const = default;
};

class AckLedger {
 public:
  // Remembers a tag that the broker has just delivered and that must be settled.
  // Deliveries that need no settling are not told to the ledger.
  void delivered(std::uint64_t tag);

  // Marks a delivered tag as finished. Nothing is sent yet. False, and nothing
  // changes, when the tag is unknown or was settled before.
  [[nodiscard]] bool settle(std::uint64_t tag, Verdict verdict);

  // The fewest methods that tell the broker all that was settled since the last
  // call, in an order that it accepts: the rejects, then one ack for the finished
  // run, then the acks behind a delivery that still waits.
  std::vector<Settlement> flush();

  // Whether `flush` has something to say.
  bool dirty() const { return !settled_.empty(); }

  // Delivered and not settled.
  std::size_t unsettled() const { return unsettled_; }

 private:
  enum class State : std::uint8_t { unsettled, ack, done };

  State* find(std::uint64_t tag);
  std::uint64_t drop_finished_run();

  struct Marked {
    std::uint64_t tag;
    Verdict verdict;
  };

  std::deque<State> states_;  // of the tags from `first_` on
  std::uint64_t first_ = 1;
  std::size_t unsettled_ = 0;
  std::vector<Marked> settled_;  // since the last flush
};

}  // namespace celeriac::worker
