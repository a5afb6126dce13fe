// What the worker asks of a result backend.
//
// Loop thread only. What writes completes when it is stored; it waits while the backend is away
// and tries again until the worker stops.
#pragma once

#include <celeriac/async.h>
#include <celeriac/json.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message/canvas.h"
#include "protocol/message/result.h"
#include "worker/broker/broker.h"

namespace celeriac::worker {

// One state of one task, and where a caller waits for it who has no shared store (rpc://).
struct StoredState {
  protocol::ResultDocument document;
  std::string reply_to, correlation_id;
};

// One completion in a chord's header, as it is stored.
struct ChordMember {
  std::string task_id, state;
  Json result;
};

// The right to publish the body of a chord whose parts are all in. One worker has it, for a while.
struct ChordClaim {
  std::string group_id, token;
  std::chrono::milliseconds lifetime{};
};

struct CompleteChord {
  ChordClaim claim;
  std::vector<ChordMember> members;  // in the order of the header
  Json saved_group;                  // the GroupResult's tuple if groups are nested, or null
};

class ResultBackend {
 public:
  virtual ~ResultBackend() = default;

  // At the start: whether results can be stored. What is wrong is said in the log and nowhere else,
  // since it may be mended meanwhile.
  virtual Async<void> check() { co_return; }

  // False: nothing is stored, and nobody need build a document.
  virtual bool stores_results() const = 0;
  // Whether chords can be counted here.
  virtual bool counts_chords() const = 0;

  // A SUCCESS that is stored already is never overwritten.
  virtual Async<void> store(StoredState state) = 0;
  virtual Async<std::optional<protocol::ResultDocument>> load(std::string task_id) = 0;
  // The state in which the task has ended, as soon as it is there; told by the backend, not
  // asked for again and again. Waits for ever: give it a deadline. Throws Error where no result
  // can come.
  virtual Async<protocol::ResultDocument> wait(std::string task_id) = 0;

  // Where results come in as messages (rpc://): the reply queue that is named in what we send, who
  // consumes it, and what came from there. Elsewhere there is no such queue.
  virtual std::string reply_queue() const { return {}; }
  virtual std::vector<ConsumerSpec> consumers() const { return {}; }
  virtual bool take(const Delivery&) { return false; }

  virtual Async<void> set_chord_size(protocol::SetChordSize size) = 0;
  virtual Async<void> save_group(protocol::SaveGroup group) = 0;
  // Counts a completion, once however often it is told. The one that completes the chord gets it,
  // and publishes the body. Waits while another worker has the claim: it may be dead.
  virtual Async<std::optional<CompleteChord>> add_chord_part(protocol::ChordPart part) = 0;
  // The claim lasts for its lifetime from now on. False: it had run out, and another worker has it.
  virtual Async<bool> keep_chord_claim(ChordClaim claim) = 0;
  // The body is published: a part that comes late must not publish it again.
  virtual Async<void> forget_chord(ChordClaim claim) = 0;
  // The chord has failed: a part that comes late must not fail it again.
  virtual Async<void> give_up_chord(std::string group_id) = 0;
  // A task was added to a running chord (Task.add_to_chord).
  virtual Async<void> grow_chord(std::string group_id) = 0;

  // True while so many writes wait that no new task should start.
  virtual bool saturated() const = 0;
  // Writes that wait.
  virtual std::size_t pending() const = 0;
  // What became of the others.
  struct Writes {
    std::uint64_t stored = 0, refused = 0;
  };
  const Writes& writes() const { return writes_; }

  // As the banner shows it, without a password.
  virtual std::string display() const = 0;

 protected:
  Writes writes_;
};

}  // namespace celeriac::worker
