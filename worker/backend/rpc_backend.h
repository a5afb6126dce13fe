// Results as messages to whoever sent the task (Celery's `rpc://`; wire page, section 6.5).
#pragma once

#include "worker/backend/result_backend.h"
#include "worker/broker/broker.h"

namespace celeriac::worker {

// The broker must outlive it. Chords cannot be counted without a shared store; Celery's
// clients refuse to send one with this backend.
class RpcBackend final : public ResultBackend {
 public:
  enum class DeliveryMode : std::uint8_t { transient = 1, persistent = 2 };
  RpcBackend(Broker& broker, DeliveryMode mode) : broker_(broker), mode_(mode) {}

  bool stores_results() const override { return true; }
  bool counts_chords() const override { return false; }

  // Every state is one message to the request's reply queue, none if it has no such queue. A
  // queue that has gone is nobody's concern.
  Async<void> store(StoredState state) override;

  // Messages cannot be looked up.
  Async<std::optional<protocol::ResultDocument>> load(std::string task_id) override;
  Async<void> set_chord_size(protocol::SetChordSize size) override;
  Async<void> save_group(protocol::SaveGroup group) override;
  Async<std::optional<std::vector<ChordMember>>> add_chord_part(protocol::ChordPart part) override;
  Async<void> forget_chord(std::string group_id) override;
  Async<void> give_up_chord(std::string group_id) override;
  Async<Json> load_group(std::string group_id) override;
  Async<void> grow_chord(std::string group_id) override;

  // The broker's outbox bounds what waits.
  bool saturated() const override { return false; }
  std::size_t pending() const override { return 0; }
  std::string display() const override { return "rpc://"; }

 private:
  Broker& broker_;
  DeliveryMode mode_;
};

}  // namespace celeriac::worker
