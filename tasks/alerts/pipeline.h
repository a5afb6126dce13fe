// The three steps and the tasks bound to rules: fetch → cache → sendalert.
//
// A step whose message carries a chain (or is part of a chord) only returns what the next one
// takes; otherwise it publishes the next one itself, if there is anything for it to do.
#pragma once

#include <celeriac/context.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tasks/alerts/alarm.h"
#include "tasks/alerts/channels/reply.h"
#include "tasks/alerts/claims.h"
#include "tasks/alerts/config.h"
#include "tasks/alerts/digest.h"
#include "tasks/alerts/pace.h"
#include "tasks/alerts/sources/query.h"

namespace celeriac::alerts {

inline constexpr const char* kFetch = "tasks.fetch";
inline constexpr const char* kCache = "tasks.cache";
inline constexpr const char* kSendAlert = "tasks.sendalert";

// How often and how soon a step comes back: the rule's, or the most patient of several.
struct Patience {
  std::int64_t max_retries = 0;
  Milliseconds backoff{0};
  // retry_backoff, doubled with every retry, ten minutes at most.
  Milliseconds after(std::int64_t retries) const;
};
Patience patience_of(const Rule* rule);

// Loop thread only; outlives the tasks that run its coroutines.
class Pipeline {
 public:
  explicit Pipeline(Config config) : config_(std::move(config)) {}

  // Queries the rule's source. Failures that may pass are retried, the others end the task with
  // what to do about them.
  Async<Json> fetch(Context& ctx, std::string rule);
  // Several rules as one run. `only` names those that are left after a retry, null means all.
  Async<Json> run(Context& ctx, const Binding* binding, Json only);
  // Judges the rows and reserves the alarms nobody has told or is about to tell.
  Async<Json> cache(Context& ctx, Json rule, Json rows);
  // Tells them, one message a channel, and remembers that it did.
  Async<Json> sendalert(Context& ctx, Json rule, Json alarms);

  const Config& config() const { return config_; }

  struct Delivery;  // what became of a run's alarms on one channel: delivery.h

 private:
  // fetch.cpp
  struct Asked {
    Fetched fetched;             // what was found
    std::size_t rows = 0;        // in all
    bool worth_caching = false;  // some of it may be an alarm
    Json::Array again;           // rules whose trouble may pass
    RetryOptions retry;
    std::string failure_type = "SourceError", failure;  // what cannot pass
  };
  Async<Asked> ask_all(Context& ctx, std::vector<std::string> rules);
  Async<QueryResult> ask(Context& ctx, const Rule* rule);
  static void note_failure(const Request& request, const Rule& rule, const SourceFailure& failed,
                           Asked& asked);
  Async<Json> hand_on(Context& ctx, const Asked* asked);
  const Rule& rule_named(const std::string& name) const;

  // cache.cpp
  struct Found {
    std::vector<Alarm> alarms;
    std::size_t suppressed = 0;
  };
  Async<Found> find_alarms(Context& ctx, const Fetched* fetched);
  Async<std::vector<Alarm>> alarms_of(Claims* claims, const Rule* rule,
                                      std::vector<Verdict> verdicts);

  // sendalert.cpp
  Claimed read_claimed(Context& ctx, const Json& rule, const Json& alarms) const;
  Async<void> remember_told(Context& ctx, const Claimed* claimed);
  Async<Delivery> tell(Context& ctx, const Claimed* claimed, std::string channel);
  Async<Json> settle(Context& ctx, Claimed* claimed, const std::vector<Delivery>* deliveries);
  Async<void> give_up(Context& ctx, const Claimed* claimed);
  Patience patience_for(const Claimed& claimed) const;

  // tell.cpp
  Async<void> tell_all(Context& ctx, const Claimed* claimed, const Channel* channel,
                       Delivery* delivery);
  Async<void> tell_once(Context& ctx, const Claimed* claimed, const Channel* channel,
                        std::vector<std::size_t> alarms, Delivery* delivery);
  Async<Answer> post(Context& ctx, const Channel* channel, const Digest* digest, std::string id);
  Digest digest_of(const Claimed& claimed, const std::vector<std::size_t>& alarms) const;
  Milliseconds dedupe_for(const Alarm& alarm) const;

  std::unique_ptr<Claims> claims(Context& ctx);
  std::unique_ptr<Pace> pace(Context& ctx);

  Config config_;
  ClaimMemory memory_;  // where no Redis is configured
  LocalPace::Lines lines_;
};

// What is wrong with the alerts, as the task's failure: "SourceError", "StoreError" …
TaskError failure(std::string type, const std::string& text);

// What to throw while Redis cannot be asked: another try, or the end of them.
[[noreturn]] void throw_store_trouble(Context& ctx, const Patience& patience,
                                      const std::string& trouble);

// Judges the rows; a mistake of the rule, its key included, names the rule.
Parsed<Judgement> examine(const Rule& rule, const std::vector<Row>& rows, Time now);

// The name under which an alarm on a channel is claimed.
std::string claim_key(const Alarm& alarm, const std::string& channel);

// True if the message says what comes next.
bool carries_on(const Request& request);

Signature step(const char* task, const Json& argument, const Rule* rule);

}  // namespace celeriac::alerts
