#include "worker/cli/command_line.h"

#include <gtest/gtest.h>

#include <sstream>

namespace celeriac::worker {
namespace {

CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "celeriac");
  return parse_command_line(static_cast<int>(words.size()), words.data(), "0.1.0");
}

std::string given(const CommandLine& line) {
  std::string text;
  for (const auto& one : line.given) text += one.setting->name + "=" + one.text + "\n";
  return text;
}

TEST(CommandLine, TakesCelerysOptionsOfTheWorker) {
  const CommandLine line = parse({"-A",
                                  "./a.so",
                                  "-b",
                                  "amqp://h//",
                                  "--result-backend",
                                  "redis://h/1",
                                  "worker",
                                  "-c",
                                  "4",
                                  "-Q",
                                  "a,b",
                                  "-X",
                                  "c",
                                  "-P",
                                  "solo",
                                  "-n",
                                  "w1@%h",
                                  "-l",
                                  "info",
                                  "-f",
                                  "w.log",
                                  "-E",
                                  "--time-limit=60",
                                  "--soft-time-limit",
                                  "50.5",
                                  "--prefetch-multiplier",
                                  "1",
                                  "--without-heartbeat",
                                  "--heartbeat-interval",
                                  "5",
                                  "--pidfile",
                                  "w.pid",
                                  "--purge",
                                  "--http",
                                  "8000"});
  EXPECT_EQ(line.command, CommandLine::Command::worker) << line.output;
  EXPECT_EQ(given(line),
            "broker_url=amqp://h//\nresult_backend=redis://h/1\napp=./a.so\n"
            "worker_queues=a,b\nworker_exclude_queues=c\nworker_purge=true\n"
            "worker_prefetch_multiplier=1\nworker_concurrency=4\nworker_pool=solo\n"
            "task_time_limit=60\ntask_soft_time_limit=50.5\nworker_send_task_events=true\n"
            "worker_heartbeat=false\nworker_heartbeat_interval=5\nworker_loglevel=info\n"
            "worker_logfile=w.log\nworker_hostname=w1@%h\nworker_http=8000\n"
            "worker_pidfile=w.pid\n");
  EXPECT_TRUE(line.warnings.empty());
}

TEST(CommandLine, TakesGlobalOptionsBehindTheCommand) {
  const CommandLine line = parse({"worker", "-A", "./a.so", "-A", "./b.so", "-b", "amqp://h//",
                                  "-q", "--config", "a.yaml", "--config", "b.yaml"});
  EXPECT_EQ(line.command, CommandLine::Command::worker) << line.output;
  EXPECT_EQ(given(line), "broker_url=amqp://h//\napp=./a.so,./b.so\nquiet=true\n");
  EXPECT_EQ(line.config_files, (std::vector<std::string>{"a.yaml", "b.yaml"}));
}

TEST(CommandLine, LetsTheLastOfARepeatedOptionCount) {
  EXPECT_EQ(given(parse({"worker", "-c", "4", "-c", "8"})), "worker_concurrency=8\n");
}

TEST(CommandLine, TakesMoreSettingsInCelerysForms) {
  const CommandLine line =
      parse({"worker", "-c", "2", "task_acks_late=true", "broker.heartbeat=10", ".pool=solo"});
  EXPECT_EQ(line.command, CommandLine::Command::worker) << line.output;
  EXPECT_EQ(given(line),
            "worker_concurrency=2\ntask_acks_late=true\nbroker_heartbeat=10\nworker_pool=solo\n");
}

TEST(CommandLine, SuggestsTheSettingThatWasMeant) {
  const CommandLine line = parse({"worker", "task_ack_late=true"});
  EXPECT_EQ(line.exit_code, 2);
  EXPECT_NE(line.output.find("did you mean 'task_acks_late'?"), std::string::npos) << line.output;
}

TEST(CommandLine, SuggestsTheOptionThatWasMeant) {
  const CommandLine line = parse({"worker", "--concurency", "3"});
  EXPECT_EQ(line.exit_code, 2);
  EXPECT_EQ(line.output,
            "Usage: celeriac worker [OPTIONS]\nTry 'celeriac worker --help' for help.\n\n"
            "Error: No such option: --concurency Did you mean --concurrency?\n");
}

TEST(CommandLine, SuggestsTheCommandThatWasMeant) {
  const CommandLine line = parse({"wroker"});
  EXPECT_EQ(line.exit_code, 2);
  EXPECT_NE(line.output.find("No such command 'wroker'. Did you mean worker?"), std::string::npos)
      << line.output;
}

TEST(CommandLine, WarnsOfOptionsWithoutMeaning) {
  const CommandLine line = parse({"worker", "--loader", "default", "-O", "fair", "--without-gossip",
                                  "--without-mingle", "-s", "x"});
  EXPECT_EQ(line.command, CommandLine::Command::worker) << line.output;
  EXPECT_EQ(line.warnings, (std::vector<std::string>{
                               "--loader has no effect: tasks come from modules given with -A",
                               "--schedule-filename has no effect: the schedule is beat's"}));
}

TEST(CommandLine, RefusesBeatWithAdvice) {
  const CommandLine line = parse({"worker", "-B"});
  EXPECT_EQ(line.exit_code, 2);
  EXPECT_NE(line.output.find("run `celery -A APP beat`"), std::string::npos) << line.output;
}

TEST(CommandLine, ShowsVersionAndHelp) {
  EXPECT_EQ(parse({"--version"}).output, "celeriac 0.1.0\n");
  const CommandLine help = parse({"worker", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  const std::string all = help.output + parse({"--help"}).output;
  for (const Setting& setting : setting_table()) {
    if (setting.option.empty()) continue;
    const std::string name = setting.option.substr(setting.option.rfind("--"));
    EXPECT_NE(all.find(name), std::string::npos) << name;
  }
}

// Words of the help with one space between.
std::string without_breaks(const std::string& text) {
  std::istringstream words(text);
  std::string joined, word;
  while (words >> word) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

TEST(CommandLine, BreaksLongMeaningsIntoLines) {
  std::istringstream help(parse({"worker", "--help"}).output);
  for (std::string line; std::getline(help, line);) EXPECT_LE(line.size(), 104) << line;
}

TEST(CommandLine, ShowsWhatAValueLooksLikeAndItsDefault) {
  const std::string help = without_breaks(parse({"worker", "--help"}).output);
  for (const char* part :
       {"[whole number from 0 to 65535; default: 4]", "[seconds, or as 30s, 5m, 2h; default: 2]",
        "Do not send worker-heartbeat events", "default: WARNING]"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part;
  }
}

TEST(CommandLine, ShowsAnExampleWithEveryCommand) {
  for (const char* command : {"worker", "check", "tasks", "docs"}) {
    EXPECT_NE(parse({command, "--help"}).output.find("Example"), std::string::npos) << command;
  }
}

TEST(CommandLine, SaysWhichArgumentIsMissing) {
  EXPECT_EQ(parse({"check"}).output,
            "Usage: celeriac check [OPTIONS] FILE\nTry 'celeriac check --help' for help.\n\n"
            "Error: FILE is required\n");
}

TEST(CommandLine, NeedsACommand) {
  const CommandLine line = parse({});
  EXPECT_EQ(line.exit_code, 2);
  EXPECT_NE(line.output.find("Error: Missing command. There are worker, check"), std::string::npos)
      << line.output;
}

TEST(CommandLine, ReadsTheOtherCommands) {
  const CommandLine check = parse({"check", "a.yaml", "b.yaml"});
  EXPECT_EQ(check.command, CommandLine::Command::check) << check.output;
  EXPECT_EQ(check.files, (std::vector<std::string>{"a.yaml", "b.yaml"}));
  EXPECT_EQ(parse({"tasks", "-A", "./a.so"}).command, CommandLine::Command::tasks);
  EXPECT_EQ(parse({"docs", "settings"}).command, CommandLine::Command::settings_manual);
}

}  // namespace
}  // namespace celeriac::worker
