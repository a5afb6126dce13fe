#include "worker/cli/configuration.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace celeriac::worker {
namespace {

class ConfigurationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "celeriac-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  std::string file(const std::string& yaml) {
    const auto path = directory / "a.yaml";
    std::ofstream(path) << yaml;
    return path;
  }
  static ConfigEnvironment variables(std::map<std::string, std::string> values) {
    return [values](const std::string& name) -> std::optional<std::string> {
      const auto found = values.find(name);
      if (found == values.end()) return std::nullopt;
      return found->second;
    };
  }
  std::filesystem::path directory;
};

CommandLine line_of(std::vector<const char*> words) {
  words.insert(words.begin(), "celeriac");
  return parse_command_line(static_cast<int>(words.size()), words.data(), "0");
}

TEST_F(ConfigurationTest, PutsLineOverEnvironmentOverFile) {
  const std::string path =
      file("worker: {worker_concurrency: 1, result_expires: 1, task_default_queue: file}\n");
  const Configuration read = load_configuration(
      line_of({"worker", "--config", path.c_str(), "-c", "3"}), {},
      variables({{"CELERY_WORKER_CONCURRENCY", "2"}, {"CELERY_RESULT_EXPIRES", "2"}}));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.settings.worker.pool.concurrency, 3u);
  EXPECT_EQ(read.settings.worker.results.expires, std::chrono::seconds(2));
  EXPECT_EQ(read.settings.worker.queues.task_default_queue, "file");
}

TEST_F(ConfigurationTest, LetsExtensionsReadTheirPartOfTheFile) {
  std::string read;
  const std::vector<Extension> extensions{
      {[&](ConfigMapView& top) { read = top.get("rules").text().value_or(""); }, nullptr, nullptr}};
  std::vector<std::string> warnings;
  EXPECT_TRUE(check_file(file("rules: mine\n"), extensions, nullptr, warnings).empty());
  EXPECT_EQ(read, "mine");
  const auto mistakes = check_file(file("ruls: mine\n"), extensions, nullptr, warnings);
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_EQ(mistakes[0].text, "unknown key 'ruls' in the file; did you mean 'rules'?");
}

TEST_F(ConfigurationTest, ReportsAFileThatCannotBeRead) {
  const std::string path = directory / "missing.yaml";
  const Configuration read =
      load_configuration(line_of({"worker", "--config", path.c_str()}), {}, variables({}));
  ASSERT_EQ(read.mistakes.size(), 1u);
  EXPECT_EQ(to_string(read.mistakes[0]), path + ": cannot be read: No such file or directory");
  std::vector<std::string> warnings;
  EXPECT_EQ(check_file(directory, {}, nullptr, warnings).size(), 1u);
}

TEST_F(ConfigurationTest, TellsMistakesOfTheLineApart) {
  const Configuration read =
      load_configuration(line_of({"worker", "-c", "many"}), {}, variables({}));
  EXPECT_TRUE(read.mistakes.empty());
  ASSERT_EQ(read.usage_mistakes.size(), 1u);
  EXPECT_EQ(to_string(read.usage_mistakes[0]),
            "--concurrency: worker_concurrency is 'many'; it must be a whole number from 0 to "
            "1000000");
}

}  // namespace
}  // namespace celeriac::worker
