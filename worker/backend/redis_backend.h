// Results in Redis, as Celery's Redis backend keeps them (wire page, sections 6.3 and 6.4).
#pragma once

#include <celeriac/redis.h>

#include <string>

#include "worker/backend/result_backend.h"
#include "worker/backend/settings.h"
#include "worker/clients/redis_subscriber.h"
#include "worker/loop/loop.h"

namespace celeriac::worker {

// The client must outlive it.
class RedisBackend final : public ResultBackend {
 public:
  RedisBackend(Loop& loop, RedisClient& redis, ResultSettings settings);

  bool stores_results() const override { return true; }
  bool counts_chords() const override { return true; }
  Async<void> store(StoredState state) override;
  Async<std::optional<protocol::ResultDocument>> load(std::string task_id) override;
  Async<protocol::ResultDocument> wait(std::string task_id) override;
  Async<void> check() override;
  Async<void> set_chord_size(protocol::SetChordSize size) override;
  Async<void> save_group(protocol::SaveGroup group) override;
  Async<std::optional<CompleteChord>> add_chord_part(protocol::ChordPart part) override;
  Async<bool> keep_chord_claim(ChordClaim claim) override;
  Async<void> forget_chord(ChordClaim claim) override;
  Async<void> give_up_chord(std::string group_id) override;
  Async<void> grow_chord(std::string group_id) override;
  bool saturated() const override;
  std::size_t pending() const override { return waiting_messages_; }
  std::string display() const override;

 private:
  struct Script;
  class Waiting;

  // Runs it until Redis has answered. Empty: Redis refused it for good, which has been logged.
  Async<std::optional<RedisReply>> insist(std::string what, Script script);
  // Stored for good; nothing overwrites it.
  Async<bool> has_succeeded(std::string task_id);
  Script count_part(const protocol::ChordPart& part, const ChordClaim& claim) const;
  std::string key(std::string_view group_id, std::string_view suffix) const;
  std::chrono::milliseconds claim_lifetime() const;

  Loop& loop_;
  RedisClient& redis_;
  ResultSettings settings_;
  protocol::ResultFormat format_;
  RedisSubscriber subscriber_;
  std::size_t waiting_messages_ = 0, waiting_bytes_ = 0;
};

}  // namespace celeriac::worker
