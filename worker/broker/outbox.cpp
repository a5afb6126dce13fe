#include "worker/broker/outbox.h"

#include <algorithm>
#include <utility>

namespace celeriac::worker {
namespace {

bool is_transient(const OutboxItem& item) {
  return item.publication.durability == Durability::transient;
}

}  // namespace

std::size_t OutboxItem::bytes() const {
  // Headers and properties of a task message take about a kilobyte.
  constexpr std::size_t kOverhead = 1024;
  return publication.body.size() + kOverhead;
}

bool Outbox::fits(std::size_t bytes) const {
  return messages_ < max_messages_ && bytes_ + bytes <= max_bytes_;
}

void Outbox::account(const OutboxItem& item) {
  ++messages_;
  bytes_ += item.bytes();
}

bool Outbox::add(OutboxItem item) {
  const std::size_t bytes = item.bytes();
  while (!fits(bytes) && !transient_.empty()) drop_transient(transient_.size() - 1);
  if (!fits(bytes)) {
    ++dropped_;
    return false;
  }
  account(item);
  (is_transient(item) ? transient_ : confirmed_).push_back(std::move(item));
  return true;
}

const OutboxItem* Outbox::front() const {
  if (confirmed_.empty()) return transient_.empty() ? nullptr : &transient_.front();
  if (transient_.empty()) return &confirmed_.front();
  return transient_.front().id < confirmed_.front().id ? &transient_.front() : &confirmed_.front();
}

std::optional<OutboxItem> Outbox::take() {
  const OutboxItem* next = front();
  if (!next) return std::nullopt;
  auto& queue = is_transient(*next) ? transient_ : confirmed_;
  std::optional<OutboxItem> item(std::move(queue.front()));
  queue.pop_front();
  return item;
}

void Outbox::put_back(std::vector<OutboxItem> items) {
  std::sort(items.begin(), items.end(),
            [](const OutboxItem& a, const OutboxItem& b) { return a.id < b.id; });
  while (!items.empty()) {
    OutboxItem item = std::move(items.back());
    items.pop_back();
    (is_transient(item) ? transient_ : confirmed_).push_front(std::move(item));
  }
}

void Outbox::release(const OutboxItem& item) {
  --messages_;
  bytes_ -= item.bytes();
}

std::size_t Outbox::drop_transient(std::size_t keep) {
  std::size_t count = 0;
  while (transient_.size() > keep) {
    release(transient_.front());
    transient_.pop_front();
    ++count;
  }
  dropped_ += count;
  return count;
}

}  // namespace celeriac::worker
