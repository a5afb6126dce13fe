// How many tasks may run at a time.
#pragma once

#include <cassert>
#include <cstddef>
#include <utility>

#include "worker/loop/move_only_function.h"

namespace celeriac::worker {

// Loop thread only. Leases must not outlive it.
class Slots {
 public:
  // Given back when it is destroyed, at the latest.
  class Lease {
   public:
    explicit Lease(Slots& slots) : slots_(&slots) { ++slots_->used_; }
    Lease(Lease&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() { give_back(); }

    void give_back() noexcept {
      if (Slots* slots = std::exchange(slots_, nullptr)) {
        --slots->used_;
        slots->on_free_();
      }
    }

   private:
    Slots* slots_;
  };

  // `on_free` is called for each lease that ends; it must not throw.
  Slots(std::size_t capacity, MoveOnlyFunction<void()> on_free)
      : capacity_(capacity), on_free_(std::move(on_free)) {}
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  bool free() const { return used_ < capacity_; }
  // There must be a free one.
  Lease take() {
    assert(free());
    return Lease(*this);
  }
  // Those in excess end by themselves.
  void resize(std::size_t capacity) { capacity_ = capacity; }

  std::size_t used() const { return used_; }
  std::size_t capacity() const { return capacity_; }

 private:
  std::size_t capacity_;
  std::size_t used_ = 0;
  MoveOnlyFunction<void()> on_free_;
};

}  // namespace celeriac::worker
