#include "worker/log/log.h"

#include <arpa/inet.h>
#include <celeriac/error.h>
#include <celeriac/json.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace celeriac::worker::log {
namespace {

class Log : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "celeriac-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
  }
  void TearDown() override {
    stop();
    set_level(Level::warning);
    std::filesystem::remove_all(directory);
  }
  LogSettings to_file() const {
    LogSettings settings;
    settings.file = directory / "worker.log";
    settings.level = Level::info;
    return settings;
  }
  static std::string content(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::filesystem::path directory;
};

// A listening socket on a port of its own, and the lines that arrive there.
class Listener {
 public:
  Listener() : listening_(::socket(AF_INET, SOCK_STREAM, 0)) { bind_to(0); }
  ~Listener() {
    if (accepted_ >= 0) ::close(accepted_);
    ::close(listening_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Blocks until a line is there.
  std::string line() {
    if (accepted_ < 0) accepted_ = ::accept(listening_, nullptr, nullptr);
    while (buffer_.find('\n') == std::string::npos) {
      char bytes[4096];
      const ssize_t size = ::recv(accepted_, bytes, sizeof(bytes), 0);
      if (size <= 0) return "";
      buffer_.append(bytes, static_cast<std::size_t>(size));
    }
    const std::size_t end = buffer_.find('\n');
    std::string result = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return result;
  }
  void hang_up() {
    const linger at_once{1, 0};
    setsockopt(accepted_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    ::close(accepted_);
    accepted_ = -1;
    buffer_.clear();
  }

 private:
  void bind_to(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listening_, generic, size), 0);
    EXPECT_EQ(::listen(listening_, 4), 0);
    EXPECT_EQ(::getsockname(listening_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  int listening_;
  int accepted_ = -1;
  std::uint16_t port_ = 0;
  std::string buffer_;
};

TEST_F(Log, WritesWhatTheLevelLetsThrough) {
  start(to_file());
  write(Level::info, "celery.worker", "shown");
  write(Level::debug, "celery.worker", "hidden");
  write_from_task(Level::warning, "mine", {"tasks.add", "abc"});
  const std::string text = content(directory / "worker.log");
  EXPECT_NE(text.find("INFO/MainProcess] shown\n"), std::string::npos);
  EXPECT_EQ(text.find("hidden"), std::string::npos);
  EXPECT_NE(text.find("WARNING/MainProcess] tasks.add[abc]: mine\n"), std::string::npos);
  EXPECT_FALSE(enabled(Level::debug));
  set_level(Level::debug);
  EXPECT_TRUE(enabled(Level::debug));
}

TEST_F(Log, OpensTheFileAgainAfterARotation) {
  start(to_file());
  write(Level::info, "celery.worker", "before");
  std::filesystem::rename(directory / "worker.log", directory / "worker.log.1");
  reopen();
  write(Level::info, "celery.worker", "after");
  EXPECT_NE(content(directory / "worker.log.1").find("before"), std::string::npos);
  EXPECT_EQ(content(directory / "worker.log.1").find("after"), std::string::npos);
  EXPECT_NE(content(directory / "worker.log").find("after"), std::string::npos);
}

TEST_F(Log, SaysWhyAFileCannotBeOpened) {
  LogSettings settings = to_file();
  settings.file = directory / "missing" / "worker.log";
  try {
    start(settings);
    FAIL() << "it was opened";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("No such file or directory"), std::string::npos);
  }
}

TEST_F(Log, WritesJsonToTheFile) {
  LogSettings settings = to_file();
  settings.format = LogSettings::Format::json;
  start(settings);
  write(Level::error, "celery.app.trace", "Task failed", {"tasks.add", "abc"});
  const Json json = parse_json(content(directory / "worker.log"));
  EXPECT_EQ(json["labels.task_id"], Json("abc"));
  EXPECT_EQ(json["log.level"], Json("error"));
}

TEST_F(Log, ShipsLinesToLogstash) {
  Listener logstash;
  LogSettings settings = to_file();
  settings.logstash = logstash.address();
  settings.fields = LogSettings::Fields::logstash_v1;
  start(settings);
  write(Level::info, "celery.worker", "one\ntwo");
  write(Level::info, "celery.worker", "three");
  EXPECT_EQ(parse_json(logstash.line())["message"], Json("one\ntwo"));
  EXPECT_EQ(parse_json(logstash.line())["message"], Json("three"));
}

TEST_F(Log, ConnectsToLogstashAgain) {
  Listener logstash;
  LogSettings settings = to_file();
  settings.logstash = logstash.address();
  start(settings);
  write(Level::info, "celery.worker", "first");
  EXPECT_EQ(parse_json(logstash.line())["message"], Json("first"));
  logstash.hang_up();
  // The first write after a reset may still be taken by the kernel and be lost.
  write(Level::info, "celery.worker", "second");
  write(Level::info, "celery.worker", "third");
  const Json message = parse_json(logstash.line())["message"];
  EXPECT_TRUE(message == Json("second") || message == Json("third"));
}

TEST_F(Log, NeverWaitsForALogstashThatIsAwayAndCountsWhatItDrops) {
  LogSettings settings = to_file();
  {
    Listener gone;
    settings.logstash = gone.address();
  }
  settings.logstash_buffer = 10;
  start(settings);
  for (int i = 0; i < 100; ++i) write(Level::info, "celery.worker", std::to_string(i));
  // One line may be in the hands of the sending thread, ten wait.
  EXPECT_GE(dropped_lines(), 89u);
  EXPECT_LE(dropped_lines(), 90u);
}

TEST_F(Log, RefusesAnAddressWithoutAPort) {
  LogSettings settings = to_file();
  settings.logstash = "logstash.example.org";
  EXPECT_THROW(start(settings), ConfigError);
}

}  // namespace
}  // namespace celeriac::worker::log
