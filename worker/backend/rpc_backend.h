// Results as messages to whoever sent the task (Celery's `rpc://`; wire page, section 6.5).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "worker/backend/kept_results.h"
#include "worker/backend/result_backend.h"
#include "worker/backend/settings.h"
#include "worker/broker/broker.h"
#include "worker/loop/completion.h"
#include "worker/loop/loop.h"

namespace celeriac::worker {

// The loop and the broker must outlive it. Chords cannot be counted without a shared store; Celery
// refuses to send one with this backend, and so do we.
class RpcBackend final : public ResultBackend {
 public:
  // Results of what this worker sends come to the queue `reply_queue`, a name of its own.
  RpcBackend(Loop& loop, Broker& broker, const ResultSettings& settings, std::string reply_queue);

  bool stores_results() const override { return true; }
  bool counts_chords() const override { return false; }

  // Every state is one message to the request's reply queue, none if it has no such queue. A
  // queue that has gone is nobody's concern.
  Async<void> store(StoredState state) override;

  // Messages cannot be looked up.
  Async<std::optional<protocol::ResultDocument>> load(std::string task_id) override;
  // What came before is found among the newest results. A result that comes while the connection
  // is lost does not arrive, as in Celery: the queue goes with its consumer.
  Async<protocol::ResultDocument> wait(std::string task_id) override;
  std::string reply_queue() const override { return reply_queue_; }
  std::vector<ConsumerSpec> consumers() const override;
  bool take(const Delivery& delivery) override;
  Async<void> set_chord_size(protocol::SetChordSize size) override;
  Async<void> save_group(protocol::SaveGroup group) override;
  Async<std::optional<CompleteChord>> add_chord_part(protocol::ChordPart part) override;
  Async<bool> keep_chord_claim(ChordClaim claim) override;
  Async<void> forget_chord(ChordClaim claim) override;
  Async<void> give_up_chord(std::string group_id) override;
  Async<void> grow_chord(std::string group_id) override;

  // The broker's outbox bounds what waits.
  bool saturated() const override { return false; }
  std::size_t pending() const override { return 0; }
  std::string display() const override { return "rpc://"; }

 private:
  class Waiter;
  void arrived(const Delivery& delivery);

  Loop& loop_;
  Broker& broker_;
  std::chrono::seconds expires_;
  std::uint8_t delivery_mode_;
  std::string serializer_;
  std::vector<std::string> accepted_;
  std::string reply_queue_;
  KeptResults kept_;
  std::multimap<std::string, Completion<protocol::ResultDocument>*> waiting_;  // by task id
};

}  // namespace celeriac::worker
