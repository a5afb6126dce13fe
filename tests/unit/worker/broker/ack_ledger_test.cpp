#include "worker/broker/ack_ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace celeriac::worker {
namespace {

using Extent = Settlement::Extent;
using Settlements = std::vector<Settlement>;

AckLedger ledger_with(std::uint64_t last_tag) {
  AckLedger ledger;
  for (std::uint64_t tag = 1; tag <= last_tag; ++tag) ledger.delivered(tag);
  return ledger;
}

TEST(AckLedger, HasNothingToSayBeforeSomethingIsSettled) {
  AckLedger ledger = ledger_with(3);
  EXPECT_FALSE(ledger.dirty());
  EXPECT_EQ(ledger.flush(), Settlements{});
  EXPECT_EQ(ledger.unsettled(), 3u);
}

TEST(AckLedger, AcknowledgesAFinishedRunWithOneMethod) {
  AckLedger ledger = ledger_with(5);
  for (std::uint64_t tag : {3u, 1u, 2u}) ASSERT_TRUE(ledger.settle(tag, Verdict::ack));
  EXPECT_EQ(ledger.flush(), (Settlements{{Verdict::ack, 3, Extent::up_to}}));
  EXPECT_EQ(ledger.flush(), Settlements{});
  EXPECT_EQ(ledger.unsettled(), 2u);
}

TEST(AckLedger, AcknowledgesOneByOneBehindADeliveryThatWaits) {
  AckLedger ledger = ledger_with(4);
  for (std::uint64_t tag : {1u, 3u, 4u}) ASSERT_TRUE(ledger.settle(tag, Verdict::ack));
  EXPECT_EQ(ledger.flush(), (Settlements{{Verdict::ack, 1, Extent::one},
                                         {Verdict::ack, 3, Extent::one},
                                         {Verdict::ack, 4, Extent::one}}));
  ASSERT_TRUE(ledger.settle(2, Verdict::ack));
  EXPECT_EQ(ledger.flush(), (Settlements{{Verdict::ack, 2, Extent::one}}));
}

TEST(AckLedger, RejectsBeforeAnAckThatWouldCoverThem) {
  AckLedger ledger = ledger_with(3);
  ASSERT_TRUE(ledger.settle(1, Verdict::ack));
  ASSERT_TRUE(ledger.settle(2, Verdict::requeue));
  ASSERT_TRUE(ledger.settle(3, Verdict::ack));
  EXPECT_EQ(ledger.flush(),
            (Settlements{{Verdict::requeue, 2, Extent::one}, {Verdict::ack, 3, Extent::up_to}}));
}

TEST(AckLedger, NeverAcknowledgesUpToATagThatTheBrokerHasForgotten) {
  AckLedger ledger = ledger_with(2);
  ASSERT_TRUE(ledger.settle(1, Verdict::ack));
  ASSERT_TRUE(ledger.settle(2, Verdict::reject));
  EXPECT_EQ(ledger.flush(),
            (Settlements{{Verdict::reject, 2, Extent::one}, {Verdict::ack, 1, Extent::one}}));
}

TEST(AckLedger, SkipsTagsThatNeedNoSettling) {
  AckLedger ledger;
  ledger.delivered(1);
  ledger.delivered(4);
  EXPECT_FALSE(ledger.settle(2, Verdict::ack));
  ASSERT_TRUE(ledger.settle(1, Verdict::ack));
  ASSERT_TRUE(ledger.settle(4, Verdict::ack));
  EXPECT_EQ(ledger.flush(), (Settlements{{Verdict::ack, 4, Extent::up_to}}));
}

TEST(AckLedger, RefusesToSettleTwice) {
  AckLedger ledger = ledger_with(2);
  EXPECT_TRUE(ledger.settle(1, Verdict::ack));
  EXPECT_FALSE(ledger.settle(1, Verdict::reject));
  EXPECT_EQ(ledger.flush().size(), 1u);
  EXPECT_FALSE(ledger.settle(1, Verdict::ack));
  EXPECT_FALSE(ledger.settle(3, Verdict::ack));
  EXPECT_FALSE(ledger.settle(0, Verdict::ack));
}

// What RabbitMQ does with the methods of one channel.
class BrokerModel {
 public:
  void deliver(std::uint64_t tag) { outstanding_.insert(tag); }

  void receive(const Settlement& settlement) {
    // "unknown delivery tag" closes the channel.
    ASSERT_TRUE(outstanding_.count(settlement.tag)) << "tag " << settlement.tag;
    const auto last = outstanding_.upper_bound(settlement.tag);
    const auto first = settlement.extent == Extent::up_to ? outstanding_.begin()
                                                          : outstanding_.find(settlement.tag);
    for (auto tag = first; tag != last; ++tag) verdicts_[*tag] = settlement.verdict;
    outstanding_.erase(first, last);
  }

  const std::map<std::uint64_t, Verdict>& verdicts() const { return verdicts_; }

 private:
  std::set<std::uint64_t> outstanding_;
  std::map<std::uint64_t, Verdict> verdicts_;
};

TEST(AckLedger, TellsTheBrokerExactlyWhatWasSettledInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 random(seed);
    const auto chance = [&](unsigned one_in) { return random() % one_in == 0; };
    AckLedger ledger;
    BrokerModel broker;
    std::map<std::uint64_t, Verdict> wanted;
    std::vector<std::uint64_t> waiting;
    std::uint64_t tag = 0;
    for (int step = 0; step < 400; ++step) {
      if (chance(2)) {
        tag += chance(10) ? 2 : 1;
        ledger.delivered(tag);
        broker.deliver(tag);
        waiting.push_back(tag);
      } else if (!waiting.empty()) {
        const std::size_t index = chance(3) ? random() % waiting.size() : 0;
        const auto verdict = static_cast<Verdict>(chance(4) ? 1 + random() % 2 : 0);
        ASSERT_TRUE(ledger.settle(waiting[index], verdict));
        wanted[waiting[index]] = verdict;
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
      }
      if (!chance(8)) continue;
      for (const Settlement& settlement : ledger.flush()) broker.receive(settlement);
      ASSERT_EQ(broker.verdicts(), wanted) << "seed " << seed << ", step " << step;
      ASSERT_EQ(ledger.unsettled(), waiting.size());
    }
  }
}

}  // namespace
}  // namespace celeriac::worker
