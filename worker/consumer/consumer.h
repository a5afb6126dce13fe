// Takes deliveries from the broker and brings each to its end: run, held, put off or refused
// (Celery 5.x, worker/consumer, worker/strategy.py).
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "worker/consumer/eta_queue.h"
#include "worker/consumer/fetcher.h"
#include "worker/consumer/rate_limiter.h"
#include "worker/consumer/recently_ended.h"
#include "worker/consumer/redeliveries.h"
#include "worker/consumer/revoked.h"
#include "worker/consumer/revoked_stamps.h"
#include "worker/consumer/settings.h"
#include "worker/consumer/strategy.h"
#include "worker/consumer/windows.h"
#include "worker/execution/slots.h"
#include "worker/execution/trace.h"
#include "worker/loop/task_group.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {

// Loop thread only. Everything it is made of outlives it.
class Consumer final : public BrokerListener {
 public:
  // What the owner learns of the broker.
  class Listener {
   public:
    virtual void consuming() = 0;
    virtual void connection_lost(const std::string& reason) = 0;
    // What else to consume beside the task queues, and who takes what arrives there.
    virtual std::vector<ConsumerSpec> other_consumers() const = 0;
    virtual bool take(const Delivery& delivery) = 0;
    virtual void unrecoverable(const std::string& reason) = 0;

   protected:
    ~Listener() = default;
  };

  Consumer(Services& services, TaskTypes& types, const ConsumerSettings& settings,
           std::size_t concurrency, Listener& listener);
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Connects and consumes from these queues.
  void start();

  // No task is started any more; those that run go on. What is held stays unacknowledged.
  void close();
  // Completes when no task runs and nothing of one is left to settle.
  Async<void> drain();
  // Ends what runs; late acks stay out. `drain` afterwards.
  void abandon_all();

  std::size_t active() const { return running_.size(); }
  Slots& slots() { return slots_; }
  Revoked& revoked() { return revoked_; }
  const Revoked& revoked() const { return revoked_; }
  RevokedStamps& revoked_stamps() { return revoked_stamps_; }
  RateLimiter& rate_limiter() { return rate_limiter_; }
  const EtaQueue& scheduled() const { return eta_queue_; }
  // In the line for a slot.
  const std::deque<TaskRequestPtr>& waiting() const { return waiting_; }
  const std::vector<Run*>& running() const { return running_; }
  std::size_t prefetch() const { return windows_.prefetch(); }
  std::uint64_t processed() const { return processed_; }

  // A revoked task that waits here is discarded now; one that runs is ended if `signal` is given.
  // Returns the ids that were known.
  std::vector<std::string> revoke(const std::vector<std::string>& ids, std::optional<int> signal);
  // Other bounds from now on. The broker learns of the new prefetch from the caller.
  void resize(std::size_t slots, std::size_t prefetch);
  // After the limit of a type has changed.
  void rate_limit_changed(const TaskType& type);

  void on_delivery(Delivery&& delivery) override;
  void on_consuming() override;
  void on_connection_lost(const std::string& reason) override;
  void on_unrecoverable(const std::string& reason) override;

 private:
  void decode(Delivery& delivery);
  void refuse(const Delivery& delivery, const MessageError& error);
  void refuse_unregistered(const Delivery& delivery, protocol::TaskMessage message);
  bool settle_redelivered(const protocol::TaskMessage& message, const Delivery& delivery);
  void receive(protocol::TaskMessage&& message, Delivery& delivery, TaskType& type);
  bool has_room(std::size_t bytes) const;
  std::size_t free_slots() const;
  bool keeps(const Delivery& delivery);
  void hold_until_eta(TaskRequestPtr request);
  void hold_for_rate(TaskRequestPtr request);
  void run_soon(TaskRequestPtr request);
  void start_waiting();
  void start(TaskRequestPtr request);

  void count_held(const TaskRequest& request);
  void count_released(const TaskRequest& request);
  void release_due();
  void release_rated();
  void set_eta_timer();
  void set_rate_timer();

  Async<void> run_to_end(TaskRequestPtr request, Slots::Lease slot);
  Async<void> run_again(Run& run, Slots::Lease slot);
  std::optional<Discard> discards_now(const TaskRequest& request) const;
  Async<void> discard(TaskRequestPtr request, Discard why);
  Async<void> delay_at_broker(protocol::TaskMessage message, Delivery delivery,
                              std::chrono::seconds wait);

  Services& services_;
  TaskTypes& types_;
  const ConsumerSettings& settings_;
  Listener& listener_;
  protocol::AcceptedContent accepted_;
  Trace trace_;
  Windows windows_;
  Slots slots_;

  EtaQueue eta_queue_;
  RateLimiter rate_limiter_;
  std::deque<TaskRequestPtr> waiting_;
  Held held_;
  Revoked revoked_;
  RevokedStamps revoked_stamps_;
  Timer eta_timer_, rate_timer_;

  std::vector<Run*> running_;  // each knows its place
  RecentlyEnded recently_ended_;
  Redeliveries redeliveries_;
  std::uint64_t processed_ = 0;
  bool closed_ = false;

  Fetcher fetcher_;
  TaskGroup runs_;  // last: its frames refer to the rest
};

}  // namespace celeriac::worker
