// Takes from the task queues what there are free slots for, and no more (--disable-prefetch).
#pragma once

#include <celeriac/async.h>

#include <cstddef>
#include <string>

#include "worker/broker/broker.h"
#include "worker/loop/move_only_function.h"
#include "worker/loop/task_group.h"

namespace celeriac::worker {

// A prefetch window alone is too wide: an early ack makes room in it while its task still runs.
// So consuming pauses with each delivery, before that ack goes out, and goes on with a window of
// as many messages as slots are free. Loop thread only; everything it is made of outlives it.
class Fetcher {
 public:
  Fetcher(Broker& broker, TaskGroup& group, MoveOnlyFunction<std::size_t()> free_slots)
      : broker_(broker), group_(group), free_slots_(std::move(free_slots)) {}

  // Whether a delivery finds a slot; where several queues answer at once one may not. To be called
  // before anything of it is settled.
  bool keeps(const protocol::DeliveryInfo& delivery);
  // A slot may be free again.
  void look_again();
  void connection_lost();

 private:
  Async<void> pause();

  Broker& broker_;
  TaskGroup& group_;
  MoveOnlyFunction<std::size_t()> free_slots_;
  enum class State { consuming, pausing, paused } state_ = State::consuming;
  std::string next_queue_;  // whose message found none; it is asked first the next time
};

}  // namespace celeriac::worker
