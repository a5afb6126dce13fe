#include "worker/cli/pidfile.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace celeriac::worker {
namespace {

class PidfileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "celeriac-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
    path = directory / "w1.pid";
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  void hold(const std::string& content) const { std::ofstream(path) << content; }
  std::string content() const {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  std::filesystem::path directory, path;
};

TEST_F(PidfileTest, NamesTheProcessWhileItIsHeld) {
  {
    const Pidfile held(path);
    EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(PidfileTest, RefusesOneOfALiveProcess) {
  hold(std::to_string(getppid()) + "\n");
  try {
    const Pidfile held(path);
    FAIL() << "it was taken";
  } catch (const PidfileHeld& error) {
    EXPECT_EQ(error.what(), "ERROR: Pidfile (" + path.string() +
                                ") already exists.\nSeems we're already running? (pid: " +
                                std::to_string(getppid()) + ")");
  }
  EXPECT_EQ(content(), std::to_string(getppid()) + "\n");
}

TEST_F(PidfileTest, TakesOverOneOfAProcessThatIsGone) {
  const pid_t gone = fork();
  if (gone == 0) _exit(0);
  waitpid(gone, nullptr, 0);
  hold(std::to_string(gone) + "\n");
  const Pidfile held(path);
  EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
}

TEST_F(PidfileTest, TakesOverABrokenOne) {
  hold("12");
  const Pidfile held(path);
  EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
}

TEST_F(PidfileTest, LeavesAloneWhatAnotherProcessWroteMeanwhile) {
  {
    const Pidfile held(path);
    hold("1\n");
  }
  EXPECT_EQ(content(), "1\n");
}

TEST_F(PidfileTest, SaysWhyItCannotBeWritten) {
  EXPECT_THROW(Pidfile((directory / "missing" / "w1.pid").string()), ConfigError);
}

TEST(ParsePidfile, TakesOneNumberAndALineBreak) {
  EXPECT_EQ(parse_pidfile("123\n"), 123);
  for (const char* broken : {"", "\n", "123", "12 3\n", "x\n", "-5\n", "0\n", "12\n\n"}) {
    EXPECT_EQ(parse_pidfile(broken), 0) << broken;
  }
}

}  // namespace
}  // namespace celeriac::worker
