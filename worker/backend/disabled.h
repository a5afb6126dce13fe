// No result backend: results go nowhere (Celery's `disabled://`).
#pragma once

#include <celeriac/error.h>

#include "worker/backend/result_backend.h"

namespace celeriac::worker {

class DisabledBackend final : public ResultBackend {
 public:
  bool stores_results() const override { return false; }
  bool counts_chords() const override { return false; }
  Async<void> store(StoredState) override { co_return; }
  Async<std::optional<protocol::ResultDocument>> load(std::string) override {
    co_return std::nullopt;
  }
  Async<protocol::ResultDocument> wait(std::string task_id) override {
    throw ConfigError(
        "no result of task " + task_id +
        " can be awaited, since no result_backend is set; set it to redis:// or rpc://");
    co_return protocol::ResultDocument();
  }
  Async<void> set_chord_size(protocol::SetChordSize) override { co_return; }
  Async<void> save_group(protocol::SaveGroup) override { co_return; }
  Async<std::optional<CompleteChord>> add_chord_part(protocol::ChordPart) override {
    co_return std::nullopt;
  }
  Async<bool> keep_chord_claim(ChordClaim) override { co_return false; }
  Async<void> forget_chord(ChordClaim) override { co_return; }
  Async<void> give_up_chord(std::string) override { co_return; }
  Async<void> grow_chord(std::string) override { co_return; }
  bool saturated() const override { return false; }
  std::size_t pending() const override { return 0; }
  std::string display() const override { return "disabled://"; }
};

}  // namespace celeriac::worker
