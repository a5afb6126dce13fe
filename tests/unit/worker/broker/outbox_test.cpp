#include "worker/broker/outbox.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

OutboxItem item(std::uint64_t id, Durability durability = Durability::confirmed,
                std::size_t bytes = 0) {
  OutboxItem result;
  result.id = id;
  result.publication.durability = durability;
  result.publication.body = std::string(bytes, 'x');
  return result;
}

std::vector<std::uint64_t> take_ids(Outbox& outbox) {
  std::vector<std::uint64_t> ids;
  while (auto taken = outbox.take()) ids.push_back(taken->id);
  return ids;
}

constexpr std::size_t kPlenty = 1 << 20;

TEST(Outbox, GivesBackInTheOrderOfAdding) {
  Outbox outbox(10, kPlenty);
  for (std::uint64_t id : {1u, 2u, 3u, 4u}) {
    outbox.add(item(id, id % 2 ? Durability::confirmed : Durability::transient));
  }
  EXPECT_EQ(take_ids(outbox), (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST(Outbox, RefusesMoreThanItMayHold) {
  Outbox outbox(2, kPlenty);
  EXPECT_TRUE(outbox.add(item(1)));
  EXPECT_TRUE(outbox.add(item(2)));
  EXPECT_FALSE(outbox.add(item(3)));
  EXPECT_EQ(outbox.dropped(), 1u);

  Outbox small(10, 5000);
  EXPECT_TRUE(small.add(item(1, Durability::confirmed, 3000)));
  EXPECT_FALSE(small.add(item(2, Durability::confirmed, 3000)));
}

TEST(Outbox, CountsWhatIsTakenUntilItIsReleased) {
  Outbox outbox(1, kPlenty);
  outbox.add(item(1));
  const auto taken = outbox.take();
  EXPECT_FALSE(outbox.add(item(2)));
  outbox.release(*taken);
  EXPECT_EQ(outbox.messages(), 0u);
  EXPECT_EQ(outbox.bytes(), 0u);
  EXPECT_TRUE(outbox.add(item(3)));
}

TEST(Outbox, DropsTheOldestTransientToMakeRoom) {
  Outbox outbox(3, kPlenty);
  outbox.add(item(1, Durability::transient));
  outbox.add(item(2));
  outbox.add(item(3, Durability::transient));
  EXPECT_TRUE(outbox.add(item(4)));
  EXPECT_TRUE(outbox.add(item(5)));
  EXPECT_FALSE(outbox.add(item(6)));
  EXPECT_EQ(outbox.dropped(), 3u);
  EXPECT_EQ(take_ids(outbox), (std::vector<std::uint64_t>{2, 4, 5}));
}

TEST(Outbox, PutsBackBeforeWhatCameLater) {
  Outbox outbox(10, kPlenty);
  for (std::uint64_t id : {1u, 2u, 3u}) outbox.add(item(id));
  std::vector<OutboxItem> taken;
  taken.push_back(*outbox.take());
  taken.push_back(*outbox.take());
  std::swap(taken[0], taken[1]);
  outbox.put_back(std::move(taken));
  EXPECT_EQ(outbox.messages(), 3u);
  EXPECT_EQ(take_ids(outbox), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(Outbox, KeepsOnlySoManyTransients) {
  Outbox outbox(10, kPlenty);
  for (std::uint64_t id = 1; id <= 5; ++id) outbox.add(item(id, Durability::transient));
  EXPECT_EQ(outbox.drop_transient(2), 3u);
  EXPECT_EQ(take_ids(outbox), (std::vector<std::uint64_t>{4, 5}));
}

}  // namespace
}  // namespace celeriac::worker
