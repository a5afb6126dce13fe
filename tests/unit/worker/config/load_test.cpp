#include "worker/config/load.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <set>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

struct Read {
  Settings settings;
  std::string mistakes;
  std::vector<std::string> warnings;
};

std::string joined(const std::vector<ConfigMistake>& mistakes) {
  std::string text;
  for (const auto& mistake : mistakes) text += to_string(mistake) + "\n";
  return text;
}

Read read_yaml(const std::string& yaml) {
  Read result;
  auto file = read_config(yaml, "worker.yaml", nullptr);
  ConfigMapView top = file->root().map("the file");
  read_worker_section(top.get("worker"), result.settings, result.warnings);
  result.mistakes = joined(file->mistakes());
  return result;
}

void read_variables(const std::map<std::string, std::string>& variables, Read& result) {
  std::vector<ConfigMistake> mistakes;
  read_environment(
      [&](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
      },
      result.settings, mistakes);
  result.mistakes += joined(mistakes);
}

TEST(Settings, AreReadFromTheWorkerSection) {
  const Read read = read_yaml(
      "worker:\n"
      "  broker_url: [amqp://a//, amqp://b//]\n"
      "  broker_connection_max_retries: null\n"
      "  worker_concurrency: 7\n"
      "  worker_pool: solo\n"
      "  task_acks_late: yes\n"
      "  task_time_limit: 1m\n"
      "  task_soft_time_limit: 0.5\n"
      "  result_expires: 2h\n"
      "  worker_queues: a, b\n"
      "  worker_loglevel: INFO\n");
  EXPECT_EQ(read.mistakes, "");
  EXPECT_EQ(read.settings.addresses.url, (std::vector<std::string>{"amqp://a//", "amqp://b//"}));
  EXPECT_EQ(read.settings.worker.pool.concurrency, 7u);
  EXPECT_EQ(read.settings.worker.pool.kind, PoolSettings::Kind::solo);
  EXPECT_TRUE(read.settings.worker.tasks.acks_late);
  EXPECT_EQ(read.settings.worker.tasks.time_limit, 60s);
  EXPECT_EQ(read.settings.worker.tasks.soft_time_limit, 500ms);
  EXPECT_EQ(read.settings.worker.results.expires, 2h);
  EXPECT_EQ(read.settings.worker.queues.select, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read.settings.log.level, log::Level::info);
}

TEST(Settings, ReportUnknownNamesAndWrongValuesWithTheirPlace) {
  const Read read = read_yaml(
      "worker:\n  worker_concurency: 4\n  result_expires: soon\n  worker_pool: thread\n"
      "  broker_url: rabbit\n");
  EXPECT_EQ(read.mistakes,
            "worker.yaml:2:3: unknown key 'worker_concurency' in the worker section; did you mean "
            "'worker_concurrency'?\n"
            "worker.yaml:3:19: result_expires of the worker section is 'soon'; it must be a "
            "duration such as 30s, 5m, 2h or 1d, or a number of seconds\n"
            "worker.yaml:4:16: worker_pool of the worker section is 'thread'; did you mean "
            "'threads'? It takes threads, prefork, processes, solo, gevent or eventlet\n"
            "worker.yaml:5:15: broker_url of the worker section: URL 'rabbit': no scheme; write "
            "for example amqp://user:password@host:5672/vhost\n");
}

TEST(Settings, WarnOfCelerysThatMeanNothingHere) {
  const Read read = read_yaml("worker:\n  worker_hijack_root_logger: false\n");
  EXPECT_EQ(read.mistakes, "");
  EXPECT_EQ(read.warnings,
            std::vector<std::string>{
                "worker_hijack_root_logger has no effect: there is no Python logger to take over"});
}

TEST(Settings, OfTheEnvironmentOverrideTheFile) {
  Read read = read_yaml("worker:\n  broker_url: amqp://file//\n  worker_concurrency: 2\n");
  read_variables({{"CELERY_BROKER_URL", "amqp://env//"},
                  {"CELERY_RESULT_BACKEND", "redis://env/1"},
                  {"CELERY_BROKER_WRITE_URL", "amqp://write//"},
                  {"CELERY_WORKER_CONCURRENCY", "9"},
                  {"CELERY_WORKER_QUEUES", "x,y"},
                  {"CELERY_WORKER_HOSTNAME", "w@h"},
                  {"CELERY_WORKER_TIME_LIMIT", "5"},
                  {"CELERY_WORKER_TASK_EVENTS", "1"},
                  {"CELERY_WORKER_WITHOUT_HEARTBEAT", "true"},
                  {"CELERY_TASK_ROUTES", "{'a.*': slow}"}},
                 read);
  settle(read.settings);
  EXPECT_EQ(read.mistakes, "");
  EXPECT_EQ(read.settings.worker.broker.urls, std::vector<std::string>{"amqp://env//"});
  EXPECT_EQ(read.settings.worker.broker.write_urls, std::vector<std::string>{"amqp://write//"});
  EXPECT_EQ(read.settings.worker.results.backend, "redis://env/1");
  EXPECT_EQ(read.settings.worker.pool.concurrency, 9u);
  EXPECT_EQ(read.settings.worker.queues.select, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(read.settings.worker.nodename, "w@h");
  EXPECT_EQ(read.settings.worker.tasks.time_limit, 5s);
  EXPECT_TRUE(read.settings.worker.remote.send_task_events);
  EXPECT_FALSE(read.settings.worker.remote.heartbeat);
  ASSERT_EQ(read.settings.worker.publish.task_routes.size(), 1u);
  EXPECT_EQ(read.settings.worker.publish.task_routes[0][0].pattern, "a.*");
}

TEST(Settings, NameTheVariableOfAMistake) {
  Read read;
  read_variables({{"CELERY_WORKER_CONCURRENCY", "many"}}, read);
  EXPECT_EQ(read.mistakes,
            "CELERY_WORKER_CONCURRENCY: worker_concurrency is 'many'; it must be a whole number "
            "from 0 to 1000000\n");
}

TEST(Settings, NameACompressionThatIsNotKnown) {
  const Read read = read_yaml("worker:\n  task_compression: rar\n  result_compression: lz4\n");
  EXPECT_EQ(read.mistakes,
            "worker.yaml:2:21: task_compression of the worker section is 'rar'; use gzip, bzip2, "
            "lzma or zstd\n"
            "worker.yaml:3:23: result_compression of the worker section is 'lz4'; use gzip, bzip2, "
            "lzma or zstd\n");
  EXPECT_EQ(read_yaml("worker:\n  task_compression: null\n").mistakes, "");
}

TEST(Settings, NeverShowAPassword) {
  Read read;
  read_variables({{"CELERY_BROKER_URL", "amqp://u:hunter2@h//"},
                  {"CELERY_BROKER_READ_URL", "amqp://u:hunter2@h:notaport//"},
                  {"CELERY_RESULT_BACKEND", "redis://:hunter2@h/0"}},
                 read);
  EXPECT_NE(read.mistakes, "");
  EXPECT_EQ(read.mistakes.find("hunter2"), std::string::npos) << read.mistakes;
  Settings settings;
  settings.addresses.url = {"amqp://u:hunter2@h//", "amqp://v:hunter2@i//"};
  settings.worker.results.backend = "redis://:hunter2@h/0";
  const std::string shown = settings_as_yaml(settings);
  EXPECT_EQ(shown.find("hunter2"), std::string::npos);
  EXPECT_NE(shown.find("amqp://u:**@h:5672//;amqp://v:**@i:5672//"), std::string::npos);
}

TEST(Settings, HideFromInspectWhatCeleryHides) {
  Settings settings;
  settings.addresses.url = {"amqp://u:hunter2@h//", "amqp://v@i//"};
  settings.worker.results.backend = "redis://:hunter2@h/0";
  settings.worker.results.global_keyprefix = "mine";
  const JsonObject shown = inspected_settings(settings);
  EXPECT_EQ(*shown.find("broker_url"),
            Json("amqp://u:********@h:5672//;amqp://v:********@i:5672//"));
  EXPECT_EQ(*shown.find("result_backend"), Json("redis://:********@h/0"));
  EXPECT_EQ((*shown.find("result_backend_transport_options"))["global_keyprefix"],
            Json("********"));
  EXPECT_EQ(*shown.find("task_default_routing_key"), Json("********"));
}

TEST(Settings, MakeWhatTheBrokerIsTold) {
  Settings settings;
  settings.addresses.url = {"amqp://a//"};
  settings.addresses.read_url = {"amqp://r//"};
  settle(settings);
  EXPECT_EQ(settings.worker.broker.urls, std::vector<std::string>{"amqp://r//"});
  EXPECT_EQ(settings.worker.broker.write_urls, std::vector<std::string>{"amqp://a//"});
  EXPECT_GE(settings.worker.pool.concurrency, 1u);
}

TEST(SettingTable, ReadsBackWhatItPrints) {
  Settings settings;
  settings.worker.tasks.time_limit = 90s;
  settings.worker.queues.task_queues.emplace_back().name = "reports";
  settings.worker.publish.task_routes = {{{"a.*", JsonObject{{"queue", "slow"}}}}};
  const std::string printed = settings_as_yaml(settings);
  const Read read = read_yaml(printed);
  EXPECT_EQ(read.mistakes, "");
  EXPECT_EQ(settings_as_yaml(read.settings), printed);
}

// A value for each setting that is not its default.
std::string another_value(const Setting& setting) {
  static const std::map<std::string, std::string> special{
      {"broker_use_ssl", "true"},
      {"result_backend_transport_options", "{result_chord_ordered: false}"},
      {"task_queues", "[a]"},
      {"task_routes", "{a: b}"},
      {"task_annotations", "{a: {rate_limit: 1/s}}"},
      {"broker_failover_strategy", "shuffle"},
      {"broker_login_method", "EXTERNAL"},
      {"task_default_queue_type", "quorum"},
      {"task_create_missing_queue_type", "quorum"},
      {"task_create_missing_queue_exchange_type", "topic"},
      {"broker_native_delayed_delivery_queue_type", "classic"},
      {"task_default_exchange_type", "topic"},
      {"task_serializer", "yaml"},
      {"task_compression", "bzip2"},
      {"result_serializer", "msgpack"},
      {"result_compression", "zstd"},
      {"worker_pool", "solo"},
      {"worker_loglevel", "DEBUG"},
      {"worker_log_format", "json"},
      {"worker_log_fields", "logstash_v1"},
      {"task_default_delivery_mode", "1"}};
  if (const auto found = special.find(setting.name); found != special.end()) return found->second;
  if (setting.secret) return "amqp://other//";
  const Json shown = setting.show(Settings{});
  if (setting.type == "true or false") return shown.as_bool().value_or(false) ? "false" : "true";
  if (setting.type == "text" || setting.type.starts_with("list")) return "other";
  return "77";
}

TEST(SettingTable, ReadsAndShowsEverySetting) {
  for (const Setting& setting : setting_table()) {
    Settings settings;
    std::vector<ConfigMistake> mistakes;
    read_text(setting, another_value(setting), "test", settings, mistakes);
    EXPECT_EQ(joined(mistakes), "") << setting.name;
    EXPECT_NE(setting.show(settings), setting.show(Settings{})) << setting.name;
    for (const Setting& other : setting_table()) {
      if (other.name == setting.name) continue;
      EXPECT_EQ(other.show(settings), other.show(Settings{}))
          << setting.name << " changes " << other.name;
    }
  }
}

TEST(SettingTable, NamesEverySettingAndVariableOnce) {
  std::set<std::string> names, variables;
  for (const Setting& setting : setting_table()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    for (const std::string& name : environment_names(setting)) {
      EXPECT_TRUE(variables.insert(name).second) << name;
    }
  }
  for (const auto& meaningless : meaningless_settings()) {
    EXPECT_TRUE(names.insert(meaningless.name).second) << meaningless.name;
  }
}

TEST(SettingTable, DocumentsEverySetting) {
  const std::string reference = settings_reference();
  for (const Setting& setting : setting_table()) {
    EXPECT_NE(reference.find("| `" + setting.name + "` |"), std::string::npos) << setting.name;
    EXPECT_TRUE(setting.meaning.ends_with('.') || setting.meaning.ends_with("…")) << setting.name;
  }
}

// Write it again with `celeriac docs settings > docs/configuration.md`.
TEST(SettingTable, IsWhatThePublishedPageSays) {
  std::ifstream file(TEST_CONFIGURATION_PAGE);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(page, settings_reference());
}

}  // namespace
}  // namespace celeriac::worker
