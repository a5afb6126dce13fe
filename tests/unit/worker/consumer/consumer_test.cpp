#include "worker/consumer/consumer.h"

#include <gtest/gtest.h>

#include <set>

#include "worker/clients/http_client.h"
#include "worker/execution/threads_pool.h"
#include "worker/execution/wall_clock.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

// What the worker did to the world, in order.
using Journal = std::vector<std::string>;

class JournalBroker final : public Broker {
 public:
  JournalBroker(Loop& loop, Journal& journal) : loop_(loop), journal_(journal) {}

  void deliver(Delivery delivery) { listener_->on_delivery(std::move(delivery)); }
  void lose_connection() { listener_->on_connection_lost("test"); }
  // Publications wait for their confirm until this is called.
  void confirm_all() {
    confirms_now_ = true;
    for (Completion<void>& waiting : waiting_) waiting.complete();
    waiting_.clear();
  }
  void hold_confirms() { confirms_now_ = false; }
  bool refuses = false;
  bool is_full = false;
  Publication last_published;

  void settle(const DeliveryRef& delivery, Verdict verdict) override {
    static constexpr const char* kNames[] = {"ack", "reject", "requeue"};
    journal_.push_back(std::string(kNames[static_cast<int>(verdict)]) + " " +
                       std::to_string(delivery.connection) + "/" + std::to_string(delivery.tag));
  }
  void start(BrokerListener& listener, std::vector<ConsumerSpec>) override {
    listener_ = &listener;
  }
  Async<void> publish(Publication publication) override {
    journal_.push_back("publish " + publication.routing_key);
    last_published = publication;
    if (refuses) throw Error("no such exchange");
    if (is_full && publication.when_full == WhenFull::refuse) throw QueueFull("full");
    if (!confirms_now_) {
      Completion<void> confirm(loop_);
      Pending<void> confirmed = confirm.pending();
      waiting_.push_back(std::move(confirm));
      co_await std::move(confirmed);
    }
    journal_.push_back("confirmed");
  }
  void renew_consumer(const std::string& queue, std::uint16_t prefetch) override {
    journal_.push_back("renew " + queue + " " + std::to_string(prefetch));
  }
  void declare_delayed_delivery(protocol::Declarations) override {}
  Async<void> pause_consuming() override {
    journal_.push_back("pause");
    co_return;
  }
  void resume_consuming(std::uint16_t prefetch, const std::string& first) override {
    journal_.push_back("resume " + std::to_string(prefetch) + " " + first);
  }
  Async<void> add_consumer(ConsumerSpec) override { co_return; }
  Async<void> cancel_consumer(std::string) override { co_return; }
  void count_queues() override {}
  Async<std::uint64_t> purge(protocol::Queue) override { co_return 0; }
  void delete_queue(const std::string& name) override { journal_.push_back("delete " + name); }
  Async<void> stop_consuming() override { co_return; }
  Async<void> stop(std::chrono::milliseconds) override { co_return; }
  BrokerStatus status() const override { return {}; }

 private:
  Loop& loop_;
  Journal& journal_;
  BrokerListener* listener_ = nullptr;
  bool confirms_now_ = true;
  std::vector<Completion<void>> waiting_;
};

class JournalBackend final : public ResultBackend {
 public:
  explicit JournalBackend(Journal& journal) : journal_(journal) {}
  bool full = false;
  std::optional<CompleteChord> complete;  // with the next part that is counted
  bool claim_holds = true;

  Async<void> store(StoredState state) override {
    journal_.push_back("store " + state.document.status);
    co_return;
  }
  bool stores_results() const override { return true; }
  bool counts_chords() const override { return true; }
  Async<std::optional<protocol::ResultDocument>> load(std::string) override {
    co_return std::nullopt;
  }
  Async<protocol::ResultDocument> wait(std::string) override {
    co_return protocol::ResultDocument();
  }
  Async<void> set_chord_size(protocol::SetChordSize) override { co_return; }
  Async<void> save_group(protocol::SaveGroup) override { co_return; }
  Async<std::optional<CompleteChord>> add_chord_part(protocol::ChordPart) override {
    co_return std::exchange(complete, std::nullopt);
  }
  Async<bool> keep_chord_claim(ChordClaim claim) override {
    journal_.push_back("claim " + claim.token);
    co_return claim_holds;
  }
  Async<void> forget_chord(ChordClaim claim) override {
    journal_.push_back("forget chord " + claim.group_id);
    co_return;
  }
  Async<void> give_up_chord(std::string group_id) override {
    journal_.push_back("give up chord " + group_id);
    co_return;
  }
  Async<void> grow_chord(std::string) override { co_return; }
  bool saturated() const override { return full; }
  std::size_t pending() const override { return 0; }
  std::string display() const override { return "journal"; }

 private:
  Journal& journal_;
};

class NoRedis final : public RedisClients {
 public:
  RedisClient& at(const std::string&) override { throw ConfigError("no Redis here"); }
};

class Unheard final : public Consumer::Listener {
 public:
  void consuming() override {}
  void connection_lost(const std::string&) override {}
  std::vector<ConsumerSpec> other_consumers() const override { return {}; }
  bool take(const Delivery&) override { return false; }
  void unrecoverable(const std::string&) override {}
};

class ConsumerTest : public testing::Test {
 protected:
  ConsumerTest() {
    Registry& tasks = registry_;
    auto note = [](const char* name) {
      return [name](Context&, Json::Array, JsonObject) -> Async<Json> { return noted(name); };
    };
    journal_of_tasks = &journal_;
    gates.clear();
    tasks.add_any("early", note("early"));
    tasks.add_any("late", note("late"), {.acks_late = true});
    tasks.add_any("wait", &ConsumerTest::wait, {.acks_late = true});
    tasks.add_any("wait_early", &ConsumerTest::wait);
    tasks.add_any("retry", &ConsumerTest::retry, {.acks_late = true});
    tasks.add_any("limited", note("limited"), {.rate_limit = "1/h"});
    tasks.add_any("put_back", &ConsumerTest::put_back, {.acks_late = true});
    settings_.prefetch_multiplier = 4;
    types_.emplace(registry_, TaskSettings());
    publisher_.emplace(broker_, router_, *types_, publish_);
    services_.emplace(Services{loop_,
                               broker_,
                               backend_,
                               *publisher_,
                               queues_,
                               registry_,
                               http_,
                               redis_,
                               pool_,
                               threads_,
                               results_,
                               publish_,
                               {},
                               nullptr,
                               "w@h",
                               "gen1@host",
                               1});
    consumer_.emplace(*services_, *types_, settings_, 1, unheard_);
    consumer_->start();
  }

  static Async<Json> noted(std::string name) {
    journal_of_tasks->push_back("run " + name);
    co_return Json();
  }
  static Async<Json> wait(Context& context, Json::Array, JsonObject) {
    journal_of_tasks->push_back("begin");
    while (!gates.contains(context.request().id)) co_await context.sleep(1ms);
    journal_of_tasks->push_back("end");
    co_return Json();
  }
  static Async<Json> retry(Context& context, Json::Array, JsonObject) {
    throw context.retry({.countdown = 0s});
    co_return Json();
  }

  static Async<Json> put_back(Context&, Json::Array, JsonObject) {
    journal_of_tasks->push_back("run");
    throw Reject{"not now", true};
    co_return Json();
  }

  Delivery message(std::string task, std::string id, std::uint64_t tag,
                   std::uint64_t connection = 1) {
    Delivery delivery;
    delivery.ref = {connection, 1, tag};
    delivery.info.queue = delivery.info.routing_key = "celery";
    delivery.info.redelivered = connection > 1;
    delivery.properties.content_type = "application/json";
    delivery.properties.content_encoding = "utf-8";
    delivery.properties.headers = {{"task", task}, {"id", id}};
    delivery.body = "[[], {}, {}]";
    return delivery;
  }
  Delivery redelivered(std::string task, std::uint64_t tag) {
    Delivery delivery = message(std::move(task), "T", tag);
    delivery.info.redelivered = true;
    return delivery;
  }
  // The last part of a chord whose body is `body`.
  Delivery last_part(std::vector<ChordMember> members) {
    backend_.complete = CompleteChord{{"G", "token", 3ms}, std::move(members), Json()};
    Delivery delivery = message("late", "P", 1);
    delivery.properties.headers.set("group", "G");
    delivery.body = R"([[], {}, {"chord": {"task": "body", "options": {"task_id": "B"}}}])";
    return delivery;
  }
  Delivery message_at(std::chrono::seconds from_now, std::uint64_t tag) {
    Delivery delivery = message("early", "T" + std::to_string(tag), tag);
    delivery.properties.headers.set("eta", protocol::to_iso8601(wall_clock() + from_now));
    return delivery;
  }

  // Runs the loop until the journal has this many lines, or what is to happen has happened.
  void run_until(std::size_t lines) {
    for (int turn = 0; turn < 100000 && journal_.size() < lines; ++turn) this->turn();
  }
  void turn() {
    loop_.post([this] { loop_.stop(); });
    loop_.run();
  }
  void settle_down() {
    for (int i = 0; i < 20; ++i) turn();
  }

  static inline Journal* journal_of_tasks = nullptr;
  static inline std::set<std::string> gates;

  Journal journal_;
  Loop loop_;
  JournalBroker broker_{loop_, journal_};
  JournalBackend backend_{journal_};
  Registry registry_;
  std::optional<TaskTypes> types_;
  Queues queues_{QueueSettings(), "w@h"};
  PublishSettings publish_;
  Router router_{publish_, queues_};
  std::optional<Publisher> publisher_;
  CurlHttpClient http_{loop_, HttpClientSettings()};
  NoRedis redis_;
  ThreadPool threads_{loop_, 1};
  ThreadsPool pool_{loop_, threads_};
  ResultSettings results_;
  ConsumerSettings settings_{
      .accept_content = {"application/json"}, .held_messages = 10, .eta_hold_limit = 900s};
  Unheard unheard_;
  std::optional<Services> services_;
  std::optional<Consumer> consumer_;
};

TEST_F(ConsumerTest, AcknowledgesEarlyBeforeTheTaskRuns) {
  broker_.deliver(message("early", "T", 1));
  run_until(3);
  EXPECT_EQ(journal_, (Journal{"ack 1/1", "run early", "store SUCCESS"}));
}

TEST_F(ConsumerTest, AcknowledgesLateOnceTheResultIsStored) {
  broker_.deliver(message("late", "T", 1));
  run_until(3);
  EXPECT_EQ(journal_, (Journal{"run late", "store SUCCESS", "ack 1/1"}));
}

TEST_F(ConsumerTest, AcknowledgesARetryOnlyOnceTheNextTryIsConfirmed) {
  broker_.hold_confirms();
  broker_.deliver(message("retry", "T", 1));
  settle_down();
  EXPECT_EQ(journal_, (Journal{"store RETRY", "publish celery"}));
  broker_.confirm_all();
  run_until(4);
  EXPECT_EQ(journal_, (Journal{"store RETRY", "publish celery", "confirmed", "ack 1/1"}));
}

TEST_F(ConsumerTest, AcknowledgesTheRedeliveryOfWhatStillRuns) {
  broker_.deliver(message("wait", "T", 1));
  run_until(1);
  broker_.lose_connection();
  broker_.deliver(message("wait", "T", 5, 2));
  settle_down();
  EXPECT_EQ(journal_, (Journal{"begin"}));
  gates.insert("T");
  run_until(5);
  EXPECT_EQ(journal_, (Journal{"begin", "end", "store SUCCESS", "ack 1/1", "ack 2/5"}));
}

TEST_F(ConsumerTest, HoldsTheRedeliveryOfAnEarlyAckUntilTheRunHasEnded) {
  broker_.deliver(message("wait_early", "T", 1));
  run_until(2);
  broker_.deliver(message("wait_early", "T", 5, 2));
  settle_down();
  EXPECT_EQ(journal_, (Journal{"ack 1/1", "begin"}));
  gates.insert("T");
  run_until(5);
  EXPECT_EQ(journal_, (Journal{"ack 1/1", "begin", "end", "store SUCCESS", "ack 2/5"}));
}

TEST_F(ConsumerTest, AcknowledgesTheRedeliveryOfWhatHasEnded) {
  broker_.deliver(message("late", "T", 1));
  run_until(3);
  broker_.deliver(message("late", "T", 7, 2));
  settle_down();
  EXPECT_EQ(journal_.back(), "ack 2/7");
  EXPECT_EQ(journal_.size(), 4u);
}

TEST_F(ConsumerTest, RunsAMessageOfTheSameIdThatIsNoRedelivery) {
  broker_.deliver(message("late", "T", 1));
  run_until(3);
  broker_.deliver(message("late", "T", 2));
  run_until(6);
  EXPECT_EQ(journal_.back(), "ack 1/2");
  EXPECT_EQ(journal_.size(), 6u);
}

TEST_F(ConsumerTest, GivesUpAMessageThatCameBackTooOften) {
  settings_.delivery_limit = 3;
  for (std::uint64_t tag = 1; tag <= 4; ++tag) {
    Delivery delivery = message("put_back", "T", tag);
    delivery.info.redelivered = tag > 1;
    broker_.deliver(std::move(delivery));
    run_until(2 * tag);
  }
  EXPECT_EQ(journal_, (Journal{"run", "requeue 1/1", "run", "requeue 1/2", "run", "requeue 1/3",
                               "store FAILURE", "reject 1/4"}));
}

TEST_F(ConsumerTest, BelievesTheCountOfAQuorumQueue) {
  settings_.delivery_limit = 3;
  Delivery delivery = message("late", "T", 1);
  delivery.info.redelivered = true;
  delivery.properties.headers.set("x-delivery-count", 3);
  broker_.deliver(std::move(delivery));
  run_until(2);
  EXPECT_EQ(journal_, (Journal{"store FAILURE", "reject 1/1"}));
}

// As a worker finds it that has never seen it: the classic queue has not counted.
TEST_F(ConsumerTest, CountsWhatALostWorkerRanInAQueueBeforeItRuns) {
  settings_.delivery_limit = 3;
  broker_.hold_confirms();
  broker_.deliver(redelivered("late", 1));
  settle_down();
  EXPECT_EQ(journal_, (Journal{"publish celeriac.redelivered.3.T-0"}));
  const JsonObject& arguments = broker_.last_published.declare_queues.at(0).arguments;
  EXPECT_EQ(*arguments.find("x-max-length"), Json(2));
  EXPECT_EQ(*arguments.find("x-overflow"), Json("reject-publish"));
  broker_.confirm_all();
  run_until(6);
  EXPECT_EQ(journal_, (Journal{"publish celeriac.redelivered.3.T-0", "confirmed", "run late",
                               "store SUCCESS", "ack 1/1", "delete celeriac.redelivered.3.T-0"}));
}

TEST_F(ConsumerTest, GivesUpWhatFillsItsQueue) {
  settings_.delivery_limit = 3;
  broker_.is_full = true;
  broker_.deliver(redelivered("late", 1));
  run_until(4);
  EXPECT_EQ(journal_, (Journal{"publish celeriac.redelivered.3.T-0", "store FAILURE", "reject 1/1",
                               "delete celeriac.redelivered.3.T-0"}));
}

TEST_F(ConsumerTest, RunsARedeliveryThatCannotBeCounted) {
  broker_.refuses = true;
  broker_.deliver(redelivered("late", 1));
  run_until(5);
  EXPECT_EQ(journal_, (Journal{"publish celeriac.redelivered.10.T-0", "run late", "store SUCCESS",
                               "ack 1/1", "delete celeriac.redelivered.10.T-0"}));
}

TEST_F(ConsumerTest, NeedsNoQueueForWhatHadNotBegun) {
  broker_.deliver(message("wait", "T1", 1));
  broker_.deliver(message("late", "T", 2));
  run_until(1);
  broker_.lose_connection();
  broker_.deliver(message("late", "T", 1, 2));
  gates.insert("T1");
  run_until(7);
  EXPECT_EQ(journal_, (Journal{"begin", "end", "store SUCCESS", "ack 1/1", "run late",
                               "store SUCCESS", "ack 2/1"}));
}

TEST_F(ConsumerTest, NeedsNoQueueForAnEarlyAck) {
  broker_.deliver(redelivered("early", 1));
  run_until(3);
  EXPECT_EQ(journal_, (Journal{"ack 1/1", "run early", "store SUCCESS"}));
}

// Its connection is lost while it is counted: what comes again is the same run.
TEST_F(ConsumerTest, RunsOnceWhatComesAgainWhileItIsCounted) {
  broker_.hold_confirms();
  broker_.deliver(redelivered("late", 1));
  run_until(1);
  broker_.lose_connection();
  broker_.deliver(message("late", "T", 1, 2));
  settle_down();
  EXPECT_EQ(journal_.size(), 1u);
  broker_.confirm_all();
  run_until(7);
  EXPECT_EQ(journal_,
            (Journal{"publish celeriac.redelivered.10.T-0", "confirmed", "run late",
                     "store SUCCESS", "ack 1/1", "ack 2/1", "delete celeriac.redelivered.10.T-0"}));
}

TEST_F(ConsumerTest, RunsARedeliveryForEverWithoutALimit) {
  settings_.delivery_limit = 0;
  Delivery delivery = message("late", "T", 1);
  delivery.info.redelivered = true;
  delivery.properties.headers.set("x-delivery-count", 1000);
  broker_.deliver(std::move(delivery));
  run_until(3);
  EXPECT_EQ(journal_, (Journal{"run late", "store SUCCESS", "ack 1/1"}));
}

TEST_F(ConsumerTest, TakesWithoutPrefetchOnlyWhatHasASlot) {
  settings_.disable_prefetch = true;
  consumer_->resize(1, 1);
  broker_.deliver(message("wait_early", "T1", 1));
  run_until(3);
  EXPECT_EQ(journal_, (Journal{"pause", "ack 1/1", "begin"}));
  journal_.clear();
  Delivery other = message("late", "T2", 2);
  other.info.queue = "other";
  broker_.deliver(std::move(other));
  EXPECT_EQ(journal_, (Journal{"requeue 1/2"}));
  gates.insert("T1");
  run_until(4);
  EXPECT_EQ(journal_, (Journal{"requeue 1/2", "end", "resume 1 other", "store SUCCESS"}));
}

TEST_F(ConsumerTest, RefusesHeadersThatCouldNotBeKept) {
  Delivery delivery = message("late", "T", 1);
  delivery.properties.headers = {};
  delivery.malformed = "the headers are nested too deep";
  broker_.deliver(std::move(delivery));
  EXPECT_EQ(journal_, (Journal{"reject 1/1"}));
}

TEST_F(ConsumerTest, DropsWhatHasNotBegunWhenTheConnectionIsLost) {
  broker_.deliver(message("wait", "T1", 1));
  broker_.deliver(message("late", "T2", 2));
  run_until(1);
  broker_.lose_connection();
  gates.insert("T1");
  run_until(4);
  settle_down();
  EXPECT_EQ(journal_, (Journal{"begin", "end", "store SUCCESS", "ack 1/1"}));
}

TEST_F(ConsumerTest, AsksForAFreshWindowBeforeHeldMessagesStarveTheQueue) {
  for (std::uint64_t tag = 1; tag <= 3; ++tag) broker_.deliver(message_at(600s, tag));
  EXPECT_EQ(journal_, (Journal{"renew celery 4"}));
  EXPECT_EQ(consumer_->scheduled().size(), 3u);
}

TEST_F(ConsumerTest, PutsOffAFarEtaAtTheBroker) {
  broker_.hold_confirms();
  broker_.deliver(message_at(3600s, 1));
  settle_down();
  EXPECT_EQ(journal_, (Journal{"publish celeriac.delayed.1920.celery"}));
  broker_.confirm_all();
  run_until(3);
  EXPECT_EQ(journal_.back(), "ack 1/1");
}

TEST_F(ConsumerTest, PutsOffToNoOtherQueueAndForNoOtherUser) {
  Delivery delivery = message_at(3600s, 1);
  delivery.properties.headers.set("CC", Json::array({"other"}));
  delivery.properties.user_id = "somebody";
  broker_.deliver(std::move(delivery));
  run_until(3);
  EXPECT_FALSE(broker_.last_published.properties.headers.contains("CC"));
  EXPECT_EQ(broker_.last_published.properties.user_id, "");
}

TEST_F(ConsumerTest, PutsOffWhatWouldExceedTheBound) {
  for (std::uint64_t tag = 1; tag <= 11; ++tag) broker_.deliver(message_at(600s, tag));
  run_until(6);
  EXPECT_EQ(consumer_->scheduled().size(), 10u);
  EXPECT_EQ(journal_.back(), "ack 1/11");
}

TEST_F(ConsumerTest, PutsOffWhatARateLimitWouldHoldForTooLong) {
  broker_.deliver(message("limited", "T1", 1));
  run_until(3);
  journal_.clear();
  broker_.deliver(message("limited", "T2", 2));
  run_until(3);
  EXPECT_EQ(journal_, (Journal{"publish celeriac.delayed.480.celery", "confirmed", "ack 1/2"}));
}

TEST_F(ConsumerTest, StartsNothingWhileTheBackendHasTooMuchWaiting) {
  backend_.full = true;
  broker_.deliver(message("late", "T", 1));
  settle_down();
  EXPECT_TRUE(journal_.empty());
  EXPECT_EQ(consumer_->waiting().size(), 1u);
}

TEST_F(ConsumerTest, TakesNothingOnceItIsClosed) {
  consumer_->close();
  broker_.deliver(message("late", "T", 1));
  settle_down();
  EXPECT_TRUE(journal_.empty());
}

TEST_F(ConsumerTest, LeavesALateAckOutWhenItIsAbandoned) {
  broker_.deliver(message("wait", "T", 1));
  run_until(1);
  consumer_->abandon_all();
  settle_down();
  EXPECT_EQ(consumer_->active(), 0u);
  EXPECT_EQ(journal_, (Journal{"begin"}));
}

TEST_F(ConsumerTest, DiscardsARevokedTaskThatWaits) {
  broker_.deliver(message_at(600s, 1));
  EXPECT_EQ(consumer_->revoke({"T1", "unknown"}, std::nullopt), (std::vector<std::string>{"T1"}));
  run_until(2);
  EXPECT_EQ(journal_, (Journal{"store REVOKED", "ack 1/1"}));
}

TEST_F(ConsumerTest, EndsARunningTaskThatIsRevokedWithTerminate) {
  broker_.deliver(message("wait", "T", 1));
  run_until(1);
  consumer_->revoke({"T"}, 15);
  run_until(3);
  EXPECT_EQ(journal_, (Journal{"begin", "store REVOKED", "ack 1/1"}));
}

TEST_F(ConsumerTest, PublishesAChordsBodyUnderItsClaim) {
  broker_.deliver(last_part({{"P", "SUCCESS", Json(1)}}));
  run_until(7);
  EXPECT_EQ(journal_, (Journal{"run late", "store SUCCESS", "claim token", "publish celery",
                               "confirmed", "forget chord G", "ack 1/1"}));
}

TEST_F(ConsumerTest, LeavesAChordsBodyToWhoeverTookItsClaim) {
  backend_.claim_holds = false;
  broker_.deliver(last_part({{"P", "SUCCESS", Json(1)}}));
  run_until(4);
  EXPECT_EQ(journal_, (Journal{"run late", "store SUCCESS", "claim token", "ack 1/1"}));
}

TEST_F(ConsumerTest, KeepsTheClaimOfAChordWhileTheBrokerIsAway) {
  broker_.hold_confirms();
  broker_.deliver(last_part({{"P", "SUCCESS", Json(1)}}));
  run_until(6);
  EXPECT_EQ(journal_, (Journal{"run late", "store SUCCESS", "claim token", "publish celery",
                               "claim token", "claim token"}));
  broker_.confirm_all();
  while (journal_.back() != "ack 1/1") turn();
  std::erase(journal_, "claim token");
  EXPECT_EQ(journal_, (Journal{"run late", "store SUCCESS", "publish celery", "confirmed",
                               "forget chord G", "ack 1/1"}));
  journal_.clear();
  settle_down();
  EXPECT_EQ(journal_, Journal{});
}

TEST_F(ConsumerTest, EndsAChordWhoseBodyTheBrokerRefuses) {
  broker_.refuses = true;
  broker_.deliver(last_part({{"P", "SUCCESS", Json(1)}}));
  run_until(7);
  EXPECT_EQ(journal_, (Journal{"run late", "store SUCCESS", "claim token", "publish celery",
                               "store FAILURE", "forget chord G", "ack 1/1"}));
}

TEST_F(ConsumerTest, FailsAChordsBodyOnce) {
  const Json error = Json::object({{"exc_type", "ValueError"}, {"exc_message", Json::array()}});
  broker_.deliver(last_part({{"P", "SUCCESS", Json(1)}, {"Q", "FAILURE", error}}));
  run_until(5);
  EXPECT_EQ(journal_,
            (Journal{"run late", "store SUCCESS", "store FAILURE", "give up chord G", "ack 1/1"}));
}

}  // namespace
}  // namespace celeriac::worker
