#include "worker/consumer/state_db.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace celeriac::worker {
namespace {

class StateDbTest : public testing::Test {
 protected:
  std::string path() const {
    return testing::TempDir() + "state-db-" +
           testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  void SetUp() override { std::filesystem::remove(path()); }
  void TearDown() override { std::filesystem::remove(path()); }
};

TEST_F(StateDbTest, KeepsIdsInTheirOrder) {
  const StateDb db(path());
  db.save({"old", "new"});
  EXPECT_EQ(StateDb(path()).load(), (std::vector<std::string>{"old", "new"}));
}

TEST_F(StateDbTest, HasNothingBeforeItIsSaved) {
  EXPECT_TRUE(StateDb(path()).load().empty());
  EXPECT_TRUE(StateDb("").load().empty());
}

TEST_F(StateDbTest, RefusesAFileThatIsNotItsOwn) {
  std::ofstream(path()) << "\x80\x04pickle";
  EXPECT_THROW(StateDb(path()).load(), ConfigError);
}

TEST_F(StateDbTest, NamesAFileThatCannotBeWritten) {
  const StateDb db("/no/such/folder/state");
  try {
    db.save({"id"});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/no/such/folder/state"), std::string::npos);
  }
}

}  // namespace
}  // namespace celeriac::worker
