#include "worker/cli/worker_command.h"

#include <celeriac/error.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <iostream>
#include <optional>

#include "protocol/url/url.h"
#include "worker/cli/banner.h"
#include "worker/cli/configuration.h"
#include "worker/cli/nodename.h"
#include "worker/cli/pidfile.h"
#include "worker/cli/process.h"
#include "worker/config/load.h"
#include "worker/consumer/queues.h"
#include "worker/execution/prefork/child.h"
#include "worker/log/log.h"
#include "worker/remote/worker_info.h"
#include "worker/worker.h"

namespace celeriac::worker {
namespace {

constexpr std::string_view kLogger = "celery.apps.worker";

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

void fill_in_names(Settings& settings) {
  std::string& nodename = settings.worker.nodename;
  nodename = make_nodename(nodename, host_name());
  settings.log.file = expand_path(settings.log.file, nodename);
  settings.worker.state_db = expand_path(settings.worker.state_db, nodename);
  settings.process.pidfile = expand_path(settings.process.pidfile, nodename);
}

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

std::string shown_urls(const std::vector<std::string>& urls) {
  if (urls.empty()) return protocol::display_url("amqp://");
  std::string all;
  for (const std::string& url : urls) all += (all.empty() ? "" : ";") + protocol::display_url(url);
  return all;
}

const char* pool_name(PoolSettings::Kind kind) {
  switch (kind) {
    case PoolSettings::Kind::threads:
      return "threads";
    case PoolSettings::Kind::prefork:
      return "prefork";
    case PoolSettings::Kind::solo:
      return "solo";
  }
  return "";
}

Banner banner_of(const Settings& settings, const Registry& registry) {
  Banner banner;
  banner.nodename = settings.worker.nodename;
  banner.version = software_info().find("sw_ver")->string_or("");
  banner.platform = platform_name();
  banner.time = local_time();
  banner.app = "celeriac";
  for (const std::string& module : settings.process.modules) banner.app += " " + module;
  banner.transport = shown_urls(settings.worker.broker.urls);
  const std::string& backend = settings.worker.results.backend;
  banner.results = backend.empty() ? "disabled://" : protocol::display_url(backend);
  banner.concurrency = std::to_string(settings.worker.pool.concurrency) + " (" +
                       pool_name(settings.worker.pool.kind) + ")";
  banner.task_events = settings.worker.remote.send_task_events;
  banner.queues = Queues(settings.worker.queues, settings.worker.nodename).consumed();
  if (settings.log.level > log::Level::info) return banner;
  for (const TaskDefinition* task : registry.tasks()) {
    if (!task->builtin || settings.log.level == log::Level::debug) {
      banner.tasks.push_back(task->name);
    }
  }
  return banner;
}

// A process of the prefork pool: it has the worker's tasks and log, and nothing else of it.
int serve_as_pool_child(int descriptor, const Settings& settings, const Registry& registry) {
  log::start(settings.log);
  log::set_process_name("ForkPoolWorker-" + std::to_string(::getpid()));
  return prefork::run_child(descriptor, registry);
}

void begin_log(const Configuration& configuration) {
  log::start(configuration.settings.log);
  for (const std::string& warning : configuration.warnings) {
    log::write(log::Level::warning, kLogger, warning);
  }
}

void tell_of(const std::vector<Extension>& extensions) {
  for (const Extension& extension : extensions) {
    const std::string text = extension.start_line ? extension.start_line() : "";
    if (!text.empty()) log::write(log::Level::info, kLogger, text);
  }
}

}  // namespace

int run_worker_command(const CommandLine& line, char** argv,
                       const std::vector<Extension>& extensions) {
  const auto pool_child = prefork::child_descriptor();
  // Processes that we started ourselves begin where we had gone already.
  const bool arrived = is_detached_child() || pool_child;
  if (!line.workdir.empty() && !arrived) enter_directory(line.workdir);
  Configuration configuration = load_configuration(line, extensions, process_environment());
  if (!configuration.ok()) return report(configuration);
  Settings& settings = configuration.settings;
  if (line.print_config) {
    std::cout << settings_as_yaml(settings);
    return 0;
  }
  fill_in_names(settings);
  const ProcessSettings& process = settings.process;
  Registry registry;
  register_all(settings, extensions, registry);
  if (pool_child) return serve_as_pool_child(*pool_child, settings, registry);
  if (!process.pidfile.empty()) Pidfile::check(process.pidfile);
  if (process.detach && !arrived) {
    detach(argv);
    return 0;
  }
  take_identity(process);
  begin_log(configuration);
  std::optional<Pidfile> pidfile;
  if (!process.pidfile.empty()) pidfile.emplace(process.pidfile);
  settings.worker.describe = [shown = inspected_settings(settings)] { return shown; };
  // What it refuses is told without a banner above.
  Worker worker(settings.worker, registry);
  if (!process.quiet) std::cout << to_text(banner_of(settings, registry)) << std::flush;
  tell_of(extensions);
  const int exit_code = worker.run();
  log::stop();
  return exit_code;
}

}  // namespace celeriac::worker
