// Publications that wait to be sent or to be confirmed, bounded in number and bytes.
//
// Pure and not thread safe. What is taken out still counts until it is released, so
// the bound holds for everything that the publisher keeps in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "worker/broker/broker.h"

namespace celeriac::worker {

struct OutboxItem {
  std::uint64_t id = 0;
  Publication publication;
  // Was on its way when the broker closed the channel over one of several: it is sent
  // alone, so that the one at fault is known.
  bool suspect = false;

  std::size_t bytes() const;
};

class Outbox {
 public:
  Outbox(std::size_t max_messages, std::size_t max_bytes)
      : max_messages_(max_messages), max_bytes_(max_bytes) {}

  // Ids grow. A full outbox drops its oldest transient publications to make room; false,
  // and the publication is gone, when that is not enough.
  bool add(OutboxItem item);

  // The oldest one; empty when there is none.
  std::optional<OutboxItem> take();
  // The oldest one, or null.
  const OutboxItem* front() const;

  // Puts back what was taken, in the order of its ids, before what came later.
  void put_back(std::vector<OutboxItem> items);

  // Forgets what was taken.
  void release(const OutboxItem& item);

  // Drops the oldest transient publications that wait until `keep` are left; how many.
  std::size_t drop_transient(std::size_t keep);

  // Waiting or taken.
  std::size_t messages() const { return messages_; }
  std::size_t bytes() const { return bytes_; }
  bool waiting() const { return !confirmed_.empty() || !transient_.empty(); }
  std::size_t dropped() const { return dropped_; }

 private:
  bool fits(std::size_t bytes) const;
  void account(const OutboxItem& item);

  std::size_t max_messages_, max_bytes_;
  std::size_t messages_ = 0, bytes_ = 0, dropped_ = 0;
  std::deque<OutboxItem> confirmed_, transient_;  // each in the order of ids
};

}  // namespace celeriac::worker
