// What is to be resumed in this turn of the loop, in order.
//
// Whoever completes an operation inside a C callback puts the waiter here instead
// of resuming it, so nothing is destroyed while one of its functions is on the stack.
#pragma once

#include <cstddef>

namespace celeriac::worker {

class ReadyQueue {
 public:
  // Lives in the frame or object that wants to be run; destroying it takes it out.
  class Item {
   public:
    Item() = default;
    Item(const Item&) = delete;
    Item& operator=(const Item&) = delete;

    bool queued() const { return next_ != nullptr; }

   protected:
    virtual ~Item() { remove(); }
    // May destroy the item.
    virtual void run_ready() = 0;
    void remove() noexcept {
      if (!next_) return;
      previous_->next_ = next_;
      next_->previous_ = previous_;
      next_ = previous_ = nullptr;
    }

   private:
    friend class ReadyQueue;
    Item* next_ = nullptr;
    Item* previous_ = nullptr;
  };

  ReadyQueue() { end_.next_ = end_.previous_ = &end_; }
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;
  ~ReadyQueue() {
    while (!empty()) end_.next_->remove();
    end_.next_ = end_.previous_ = nullptr;
  }

  bool empty() const { return end_.next_ == &end_; }

  // An item that is in the queue already keeps its place.
  void push(Item& item) {
    if (item.queued()) return;
    item.previous_ = end_.previous_;
    item.next_ = &end_;
    end_.previous_->next_ = &item;
    end_.previous_ = &item;
  }

  // Runs what is here and what that adds, but at most `limit` items.
  void run(std::size_t limit) {
    for (; limit > 0 && !empty(); --limit) {
      Item& item = *end_.next_;
      item.remove();
      item.run_ready();
    }
  }

 private:
  struct End final : Item {
    void run_ready() override {}
  };
  End end_;
};

}  // namespace celeriac::worker
