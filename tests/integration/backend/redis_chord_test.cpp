// Chords in a real Redis, whose URL is in CELERIAC_TEST_REDIS_URL.
#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/run_on_loop.h"
#include "worker/backend/redis_backend.h"
#include "worker/clients/redis_client.h"

namespace celeriac::worker {
namespace {

using test::run_on_loop;

std::string server() {
  const char* url = std::getenv("CELERIAC_TEST_REDIS_URL");
  if (!url) throw ConfigError("set CELERIAC_TEST_REDIS_URL, e.g. redis://127.0.0.1:6379/0");
  return url;
}

class RedisChord : public testing::Test {
 protected:
  RedisChord() { run("FLUSHDB"); }

  template <class... Words>
  RedisReply run(Words... words) {
    return run_on_loop(loop, client.command(words...));
  }
  std::string key(const std::string& suffix) { return "celery-taskset-meta-G" + suffix; }
  std::int64_t ttl(const std::string& suffix) { return run("TTL", key(suffix)).integer(); }
  bool exists(const std::string& suffix) { return run("EXISTS", key(suffix)).integer() == 1; }

  void set_size(std::int64_t size) {
    run_on_loop(loop, backend.set_chord_size(protocol::SetChordSize{"G", size}));
  }
  protocol::ChordPart part(const std::string& id, std::int64_t place, Json result = 1) {
    protocol::ChordPart part;
    part.group_id = "G";
    part.group_index = place;
    part.task_id = id;
    part.state = "SUCCESS";
    part.result = std::move(result);
    return part;
  }
  std::optional<CompleteChord> count(protocol::ChordPart part) {
    return run_on_loop(loop, backend.add_chord_part(std::move(part)));
  }
  bool keep(const ChordClaim& claim) { return run_on_loop(loop, backend.keep_chord_claim(claim)); }
  void forget(const ChordClaim& claim) { run_on_loop(loop, backend.forget_chord(claim)); }

  Async<void> finds_nothing_to_do() { EXPECT_FALSE(co_await backend.add_chord_part(part("A", 0))); }
  Async<void> gets_the_chord() { EXPECT_TRUE(co_await backend.add_chord_part(part("A", 0))); }
  Async<void> publishes_meanwhile() {
    std::string claim = key(".c");
    co_await client.command("SET", claim, "done");
  }

  static ResultSettings settings() {
    ResultSettings settings;
    settings.backend = server();
    settings.expires = std::chrono::seconds(1000);
    return settings;
  }
  Loop loop;
  HiredisClient client{loop, parse_redis_url(server()), {}};
  RedisBackend backend{loop, client, settings()};
};

TEST_F(RedisChord, TheLastPartGetsTheResultsInTheirOrder) {
  set_size(2);
  EXPECT_FALSE(count(part("B", 1, "second")));
  const auto chord = count(part("A", 0, "first"));
  ASSERT_TRUE(chord);
  ASSERT_EQ(chord->members.size(), 2u);
  EXPECT_EQ(chord->members[0].task_id, "A");
  EXPECT_EQ(chord->members[0].result, Json("first"));
  EXPECT_EQ(chord->members[1].result, Json("second"));
  EXPECT_TRUE(chord->saved_group.is_null());
}

TEST_F(RedisChord, InOrderOfCompletionIfAskedTo) {
  ResultSettings unordered = settings();
  unordered.chord_ordered = false;
  RedisBackend other(loop, client, unordered);
  set_size(2);
  EXPECT_FALSE(run_on_loop(loop, other.add_chord_part(part("B", 1))));
  const auto chord = run_on_loop(loop, other.add_chord_part(part("A", 0)));
  ASSERT_TRUE(chord);
  EXPECT_EQ(chord->members[0].task_id, "B");
  EXPECT_EQ(run("TYPE", key(".j")).string(), "list");
}

TEST_F(RedisChord, APartThatRanTwiceCountsOnce) {
  set_size(2);
  EXPECT_FALSE(count(part("A", 0, "of the first run")));
  EXPECT_FALSE(count(part("A", 0, "of the second run")));
  const auto chord = count(part("B", 1));
  ASSERT_TRUE(chord);
  EXPECT_EQ(chord->members.size(), 2u);
  EXPECT_EQ(chord->members[0].result, Json("of the first run"));
}

TEST_F(RedisChord, WaitsForTheSizeAndForWhatWasAdded) {
  EXPECT_FALSE(count(part("A", 0)));
  set_size(1);
  run_on_loop(loop, backend.grow_chord("G"));
  EXPECT_TRUE(count(part("B", 1)));
}

TEST_F(RedisChord, TakesTheSizeFromASignatureOfCelery4) {
  protocol::ChordPart old = part("A", 0);
  old.chord = Json::object({{"chord_size", 1}});
  EXPECT_TRUE(count(old));
}

TEST_F(RedisChord, ReadsTheSavedGroup) {
  const Json tuple = protocol::group_result_tuple("G", {protocol::result_tuple("A")});
  run_on_loop(loop, backend.save_group(protocol::SaveGroup{"G", tuple}));
  set_size(1);
  const auto chord = count(part("A", 0));
  ASSERT_TRUE(chord);
  EXPECT_EQ(chord->saved_group, tuple);
}

TEST_F(RedisChord, KeepsItsKeysAsLongAsResults) {
  set_size(2);
  count(part("A", 0));
  for (const char* suffix : {".j", ".d", ".s"}) {
    EXPECT_GT(ttl(suffix), 900) << suffix;
    EXPECT_LE(ttl(suffix), 1000) << suffix;
  }
}

TEST_F(RedisChord, ResultChordExpiresIsForTheCountersAlone) {
  ResultSettings shorter = settings();
  shorter.chord_expires = std::chrono::seconds(100);
  RedisBackend other(loop, client, shorter);
  const Json tuple = protocol::group_result_tuple("G", {protocol::result_tuple("A")});
  run_on_loop(loop, other.save_group(protocol::SaveGroup{"G", tuple}));
  run_on_loop(loop, other.set_chord_size(protocol::SetChordSize{"G", 2}));
  EXPECT_LE(ttl(".s"), 100);
  run_on_loop(loop, other.add_chord_part(part("A", 0)));
  EXPECT_LE(ttl(".j"), 100);
  EXPECT_GT(ttl(""), 900);
}

TEST_F(RedisChord, ForgettingLeavesOnlyThatItIsDone) {
  set_size(1);
  const auto chord = count(part("A", 0));
  ASSERT_TRUE(chord);
  forget(chord->claim);
  for (const char* suffix : {".j", ".d", ".s", ".t"}) EXPECT_FALSE(exists(suffix)) << suffix;
  EXPECT_EQ(run("GET", key(".c")).string(), "done");
  EXPECT_GT(ttl(".c"), 200);
  EXPECT_FALSE(count(part("A", 0)));
  EXPECT_FALSE(exists(".j"));
}

TEST_F(RedisChord, AHeaderThatIsPublishedAgainIsANewRun) {
  set_size(1);
  forget(count(part("A", 0))->claim);
  set_size(1);
  EXPECT_TRUE(count(part("A", 0)));
}

TEST_F(RedisChord, APartMayBeFasterThanTheClientThatStartsANewRun) {
  set_size(1);
  forget(count(part("A", 0))->claim);
  std::vector<Async<void>> both;
  both.push_back(gets_the_chord());
  both.push_back(backend.set_chord_size(protocol::SetChordSize{"G", 1}));
  run_on_loop(loop, when_all(std::move(both)));
}

TEST_F(RedisChord, ADuplicateTakesOverWhenTheClaimHasRunOut) {
  set_size(1);
  ASSERT_TRUE(count(part("A", 0)));
  run("SET", key(".c"), "another worker's", "PX", 50);
  EXPECT_TRUE(count(part("A", 0)));
}

TEST_F(RedisChord, ADuplicateEndsWhenAnotherHasPublishedTheBody) {
  set_size(1);
  ASSERT_TRUE(count(part("A", 0)));
  run("SET", key(".c"), "another worker's", "PX", 50);
  std::vector<Async<void>> both;
  both.push_back(finds_nothing_to_do());
  both.push_back(publishes_meanwhile());
  run_on_loop(loop, when_all(std::move(both)));
}

TEST_F(RedisChord, OnlyTheOwnerKeepsAndEndsAClaim) {
  set_size(1);
  const auto chord = count(part("A", 0));
  ASSERT_TRUE(chord);
  EXPECT_TRUE(keep(chord->claim));
  run("SET", key(".c"), "another worker's");
  EXPECT_FALSE(keep(chord->claim));
  forget(chord->claim);
  EXPECT_TRUE(exists(".j"));
  EXPECT_EQ(run("GET", key(".c")).string(), "another worker's");
}

TEST_F(RedisChord, AClaimThatHasRunOutIsTakenAgainWhileTheChordLasts) {
  set_size(1);
  const auto chord = count(part("A", 0));
  ASSERT_TRUE(chord);
  run("DEL", key(".c"));
  EXPECT_TRUE(keep(chord->claim));
  EXPECT_EQ(run("GET", key(".c")).string(), chord->claim.token);
  run("DEL", key(".c"), key(".s"));
  EXPECT_FALSE(keep(chord->claim));
}

TEST_F(RedisChord, AFailedChordDoesNotFailAgain) {
  set_size(1);
  ASSERT_TRUE(count(part("A", 0)));
  run_on_loop(loop, backend.give_up_chord("G"));
  EXPECT_FALSE(count(part("A", 0)));
}

}  // namespace
}  // namespace celeriac::worker
