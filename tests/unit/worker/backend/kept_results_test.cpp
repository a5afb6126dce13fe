#include "worker/backend/kept_results.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

protocol::ResultDocument result(std::string id, Json value) {
  protocol::ResultDocument document;
  document.task_id = std::move(id);
  document.status = "SUCCESS";
  document.result = std::move(value);
  return document;
}

TEST(KeptResults, AreFoundByTheirTask) {
  KeptResults kept({10, 1000});
  kept.add(result("a", 1), 10);
  ASSERT_TRUE(kept.find("a"));
  EXPECT_EQ(kept.find("a")->result, Json(1));
  EXPECT_FALSE(kept.find("b"));
}

TEST(KeptResults, OfTheSameTaskReplaceEachOther) {
  KeptResults kept({2, 100});
  kept.add(result("a", 1), 60);
  kept.add(result("a", 2), 90);
  kept.add(result("b", 3), 10);
  EXPECT_EQ(kept.find("a")->result, Json(2));
  EXPECT_TRUE(kept.find("b"));
}

TEST(KeptResults, TheOldestGoFirst) {
  KeptResults few({2, 1000});
  for (const char* id : {"a", "b", "c"}) few.add(result(id, id), 1);
  EXPECT_FALSE(few.find("a"));
  EXPECT_TRUE(few.find("b"));
  EXPECT_TRUE(few.find("c"));

  KeptResults small({10, 100});
  for (const char* id : {"a", "b"}) small.add(result(id, id), 60);
  EXPECT_FALSE(small.find("a"));
  EXPECT_TRUE(small.find("b"));
}

TEST(KeptResults, OneThatIsTooLargeIsNotKept) {
  KeptResults kept({10, 100});
  kept.add(result("a", 1), 101);
  EXPECT_FALSE(kept.find("a"));
  kept.add(result("b", 1), 100);
  EXPECT_TRUE(kept.find("b"));
}

}  // namespace
}  // namespace celeriac::worker
