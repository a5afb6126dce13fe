#include "worker/worker.h"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>
#include <utility>

#include "protocol/url/url.h"
#include "worker/backend/disabled.h"
#include "worker/backend/redis_backend.h"
#include "worker/backend/rpc_backend.h"
#include "worker/broker/amqp/amqp_broker.h"
#include "worker/clients/http_client.h"
#include "worker/clients/redis_client.h"
#include "worker/consumer/consumer.h"
#include "worker/consumer/state_db.h"
#include "worker/execution/builtin_tasks.h"
#include "worker/execution/prefork/process_pool.h"
#include "worker/execution/threads_pool.h"
#include "worker/execution/uuid.h"
#include "worker/execution/wall_clock.h"
#include "worker/log/log.h"
#include "worker/loop/signals.h"
#include "worker/loop/task_group.h"
#include "worker/monitoring/monitoring.h"
#include "worker/remote/local_control.h"
#include "worker/remote/remote.h"
#include "worker/remote/worker_info.h"
#include "worker/shutdown.h"

namespace celeriac::worker {
namespace {

constexpr std::string_view kLogger = "celery.apps.worker";
// Many revokes make one file.
constexpr auto kSaveDelay = std::chrono::milliseconds(200);
constexpr auto kScaleInterval = std::chrono::milliseconds(100);

bool is_redis(const std::string& url) {
  const std::string scheme = protocol::parse_url(url).scheme;
  return scheme == "redis" || scheme == "rediss" || scheme == "redis+socket" || scheme == "socket";
}

// One connection to each Redis that is asked for.
class RedisConnections final : public RedisClients {
 public:
  RedisConnections(Loop& loop, std::string backend) : loop_(loop), backend_(std::move(backend)) {}

  RedisClient& at(const std::string& url) override {
    const std::string& wanted = url.empty() ? backend_ : url;
    if (wanted.empty() || (url.empty() && !is_redis(wanted))) {
      throw ConfigError(
          "no Redis is configured: set result_backend to a redis:// URL, or name one");
    }
    auto place = clients_.find(wanted);
    if (place == clients_.end()) {
      auto client =
          std::make_unique<HiredisClient>(loop_, parse_redis_url(wanted), RedisClientSettings());
      place = clients_.emplace(wanted, std::move(client)).first;
    }
    return *place->second;
  }

 private:
  Loop& loop_;
  std::string backend_;
  std::map<std::string, std::unique_ptr<HiredisClient>> clients_;
};

std::unique_ptr<ResultBackend> make_backend(Loop& loop, RedisClients& redis, Broker& broker,
                                            const ResultSettings& settings) {
  const std::string& url = settings.backend;
  if (url.empty() || url.starts_with("disabled")) return std::make_unique<DisabledBackend>();
  if (is_redis(url)) return std::make_unique<RedisBackend>(loop, redis.at(url), settings);
  if (url.starts_with("rpc")) {
    return std::make_unique<RpcBackend>(loop, broker, settings, new_uuid());
  }
  throw ConfigError("result_backend " + protocol::display_url(url) +
                    " is not supported; use redis://, rediss://, redis+socket:// or rpc://, or "
                    "leave it out to keep no results");
}

std::string hostname() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

std::size_t concurrency_of(const PoolSettings& settings) {
  if (settings.concurrency > 0) return settings.concurrency;
  return std::max(1u, std::thread::hardware_concurrency());
}

// Names of serializers as the MIME types they stand for.
void make_mime_types(const std::string& setting, std::vector<std::string>& content) {
  for (std::string& accepted : content) {
    if (accepted == "json") accepted = "application/json";
    if (accepted == "yaml") accepted = "application/x-yaml";
    if (accepted == "msgpack") accepted = "application/x-msgpack";
    if (accepted == "pickle" || accepted == "application/x-python-serialize") {
      throw ConfigError(
          setting +
          " names pickle, which is never read here: it would run whatever code a message brings; "
          "have the producers send json, yaml or msgpack");
    }
  }
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return std::nullopt;
  return value;
}

// Celery reads it there, and nowhere else.
std::chrono::duration<double> autoscale_keepalive(std::chrono::duration<double> otherwise) {
  const std::string name = "AUTOSCALE_KEEPALIVE";
  const std::optional<std::string> text = environment_variable(name);
  if (!text) return otherwise;
  double seconds = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, seconds);
  if (error != std::errc() || stop != end || seconds <= 0) {
    throw ConfigError(name + " is '" + *text +
                      "' in the environment; it must be a number of "
                      "seconds above 0");
  }
  return std::chrono::duration<double>(seconds);
}

WorkerSettings complete(WorkerSettings settings) {
  if (settings.nodename.empty()) settings.nodename = "celery@" + hostname();
  if (settings.broker.connection_name.empty()) {
    settings.broker.connection_name = settings.nodename;
  }
  settings.pool.concurrency = concurrency_of(settings.pool);
  if (settings.pool.autoscale) {
    settings.pool.concurrency = std::max<std::size_t>(settings.pool.autoscale->min, 1);
    settings.pool.autoscale_keepalive = autoscale_keepalive(settings.pool.autoscale_keepalive);
  }
  make_mime_types("accept_content", settings.consumer.accept_content);
  make_mime_types("result_accept_content", settings.results.accept_content);
  if (settings.results.accept_content.empty()) {
    settings.results.accept_content = settings.consumer.accept_content;
  }
  if (settings.consumer.disable_prefetch) settings.consumer.prefetch_multiplier = 1;
  return settings;
}

std::unique_ptr<Pool> make_pool(Loop& loop, ThreadPool& threads, const PoolSettings& settings) {
  if (settings.kind != PoolSettings::Kind::prefork) {
    return std::make_unique<ThreadsPool>(loop, threads);
  }
  prefork::ProcessPoolSettings processes;
  processes.processes = settings.concurrency;
  processes.max_tasks_per_child = settings.max_tasks_per_child;
  processes.max_memory_per_child_kib = settings.max_memory_per_child_kib;
  return std::make_unique<prefork::ProcessPool>(loop, processes);
}

Registry with_builtin_tasks(Registry registry) {
  add_builtin_tasks(registry);
  return registry;
}

void require_enforceable(const TaskTypes& types, const Pool& pool) {
  for (const auto& [name, type] : types) {
    if (!type.time_limit || pool.can_end(*type.definition)) continue;
    const bool own = type.definition->options.time_limit.has_value();
    throw ConfigError("task '" + name + "' has a time_limit of " +
                      dump_json(Json(*type.time_limit)) + " s" +
                      (own ? "" : " (from --time-limit, task_time_limit or task_annotations)") +
                      ", but a function on a thread cannot be ended; run with -P prefork, make "
                      "it a coroutine, or give it a soft_time_limit instead and let it look at "
                      "stop_requested()");
  }
}

std::string software_version() {
  return software_info().find("sw_ver")->string_or("");
}

void log_failure(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& failure) {
    log::write(log::Level::critical, kLogger,
               std::string("Unrecoverable error: ") + failure.what());
  }
}

}  // namespace

// Members are destroyed from the last to the first: what uses goes before what is used.
class Worker::Core final : private Consumer::Listener {
 public:
  Core(WorkerSettings settings, Registry registry)
      : settings_(complete(std::move(settings))),
        queues_(settings_.queues, settings_.nodename),
        registry_(with_builtin_tasks(std::move(registry))),
        types_(registry_, settings_.tasks),
        router_(settings_.publish, queues_),
        http_(loop_, HttpClientSettings()),
        redis_(loop_, settings_.results.backend),
        broker_(make_amqp_broker(loop_, settings_.broker)),
        backend_(make_backend(loop_, redis_, *broker_, settings_.results)),
        publisher_(*broker_, router_, types_, settings_.publish),
        threads_(loop_, settings_.pool.concurrency),
        pool_(make_pool(loop_, threads_, settings_.pool)),
        services_{loop_,
                  *broker_,
                  *backend_,
                  publisher_,
                  queues_,
                  registry_,
                  http_,
                  redis_,
                  *pool_,
                  threads_,
                  settings_.results,
                  settings_.publish,
                  {},
                  nullptr,
                  settings_.nodename,
                  "gen" + std::to_string(getpid()) + "@" + hostname(),
                  getpid()},
        consumer_(services_, types_, settings_.consumer, settings_.pool.concurrency, *this),
        state_db_(settings_.state_db),
        save_soon_(loop_, [this] { save_state(); }),
        scaling_(loop_, [this] { control_.scale(); }),
        life_(loop_,
              [this](std::exception_ptr error) {
                log_failure(error);
                fail();
              }),
        control_({services_, types_, consumer_, life_, settings_.pool, settings_.tasks,
                  settings_.consumer.prefetch_multiplier, [this] { act(shutdown_.on_request()); },
                  [this] { save_soon_.start(kSaveDelay); }}),
        remote_(settings_.remote,
                {loop_, life_, *broker_, control_, settings_.nodename, services_.origin,
                 settings_.describe, new_uuid, wall_clock,
                 [this](std::string_view task) {
                   const TaskType* type = types_.find(task);
                   return type && !type->options().send_events;
                 },
                 [this](const Json& signature) { life_.spawn(send(signature)); }}),
        monitoring_(settings_.monitoring,
                    {loop_, settings_.nodename, software_version(), [this] { return sample(); },
                     [this] { broker_->count_queues(); }, wall_clock,
                     [this](std::string_view task) { return types_.find(task) != nullptr; },
                     environment_variable}) {
    for (std::string& id : state_db_.load()) consumer_.revoked().add(std::move(id), loop_.now());
    if (settings_.pool.autoscale) {
      // The window fits the most slots there can be, as in Celery.
      consumer_.resize(settings_.pool.concurrency,
                       settings_.pool.autoscale->max * settings_.consumer.prefetch_multiplier);
      scaling_.start_repeating(kScaleInterval);
    }
    services_.observers.push_back(&remote_.observer());
    publisher_.add_observer(remote_.observer());
    if (!settings_.monitoring.http.empty()) {
      services_.observers.push_back(&monitoring_.metrics());
      publisher_.add_observer(monitoring_.metrics());
      services_.metrics = &monitoring_.metrics();
    }
    require_enforceable(types_, *pool_);
  }

  int run() {
    const Signal term(loop_, SIGTERM, [this](int number) { on_signal(number); });
    const Signal interrupt(loop_, SIGINT, [this](int number) { on_signal(number); });
    const Signal quit(loop_, SIGQUIT, [this](int number) { on_signal(number); });
    const Signal hang_up(loop_, SIGHUP, [](int) { log::reopen(); });
    monitoring_.on_starting();
    life_.spawn(backend_->check());
    life_.spawn(begin());
    loop_.run();
    return failed_ ? 1 : shutdown_.exit_code();
  }

 private:
  Async<void> begin() {
    if (settings_.purge) co_await purge();
    consumer_.start();
  }

  Async<void> purge() {
    std::uint64_t erased = 0;
    for (const protocol::Queue& queue : queues_.consumed())
      erased += co_await broker_->purge(queue);
    if (erased == 0) co_return;
    std::printf("purge: Erased %s %s from the queue.\n\n", std::to_string(erased).c_str(),
                erased == 1 ? "message" : "messages");
    std::fflush(stdout);
  }

  // For a probe or a scrape.
  WorkerSample sample() const {
    WorkerSample sample;
    sample.broker = broker_->status();
    sample.active = consumer_.active();
    sample.reserved = consumer_.waiting().size();
    sample.scheduled = consumer_.scheduled().size();
    sample.prefetch_count = control_.prefetch_count();
    sample.concurrency = static_cast<std::size_t>(control_.pool().max_concurrency);
    for (const protocol::Queue& queue : control_.active_queues()) {
      sample.queues.push_back(queue.name);
    }
    sample.results_waiting = backend_->pending();
    sample.results_stored = backend_->writes().stored;
    sample.results_refused = backend_->writes().refused;
    sample.log_lines_dropped = log::dropped_lines();
    sample.process = process_usage();
    return sample;
  }

  std::vector<ConsumerSpec> other_consumers() const override {
    std::vector<ConsumerSpec> consumers = remote_.consumers();
    for (ConsumerSpec& consumer : backend_->consumers()) consumers.push_back(std::move(consumer));
    return consumers;
  }
  bool take(const Delivery& delivery) override {
    return remote_.take(delivery) || backend_->take(delivery);
  }

  // Published in no task's name.
  Async<void> send(Json signature) {
    protocol::CanvasContext context;
    context.new_id = new_uuid;
    context.now = wall_clock();
    context.origin = services_.origin;
    protocol::Applied applied =
        protocol::apply_signature(Signature::from_json(signature), {}, {}, context);
    for (protocol::Effect& effect : applied.effects) {
      if (auto* publish = std::get_if<protocol::PublishTask>(&effect)) {
        co_await publisher_.publish(std::move(*publish));
      }
    }
  }

  void consuming() override {
    remote_.on_consuming();
    monitoring_.on_consuming();
    if (std::exchange(ready_, true)) return;
    log::write(log::Level::info, kLogger, settings_.nodename + " ready.");
  }

  void connection_lost(const std::string& reason) override {
    monitoring_.on_connection_lost(reason);
  }

  void unrecoverable(const std::string& reason) override {
    log::write(log::Level::critical, kLogger, "Unrecoverable error: " + reason);
    fail();
  }

  // A state file that cannot be written must not end the worker.
  void save_state() {
    save_soon_.stop();
    try {
      state_db_.save(consumer_.revoked().ids(loop_.now()));
    } catch (const Error& error) {
      log::write(log::Level::error, kLogger, error.what());
    }
  }

  void fail() {
    failed_ = true;
    loop_.stop();
  }

  void on_signal(int number) { act(shutdown_.on_signal(number)); }

  void act(const Shutdown::Action& action) {
    if (!action.says.empty()) {
      std::fprintf(stderr, "\n%.*s\n", static_cast<int>(action.says.size()), action.says.data());
    }
    if (action.step == Shutdown::Step::warm) {
      life_.spawn(end());
    } else if (action.step == Shutdown::Step::cold) {
      consumer_.abandon_all();
      if (!std::exchange(ending_, true)) life_.spawn(end());
    } else if (action.step == Shutdown::Step::hard) {
      loop_.stop();
    }
  }

  // The one order of an end: no new deliveries, running tasks and what they leave behind, the
  // connections, the loop.
  Async<void> end() {
    ending_ = true;
    remote_.on_stopping();
    monitoring_.on_stopping();
    consumer_.close();
    co_await broker_->stop_consuming();
    co_await consumer_.drain();
    remote_.on_drained();
    co_await pool_->stop();
    save_state();
    co_await broker_->stop(settings_.shutdown_flush);
    loop_.stop();
  }

  WorkerSettings settings_;
  Shutdown shutdown_;
  bool ready_ = false, ending_ = false, failed_ = false;
  Loop loop_;
  Queues queues_;
  const Registry registry_;
  TaskTypes types_;
  Router router_;
  CurlHttpClient http_;
  RedisConnections redis_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<ResultBackend> backend_;
  Publisher publisher_;
  ThreadPool threads_;
  std::unique_ptr<Pool> pool_;
  Services services_;
  Consumer consumer_;
  StateDb state_db_;
  Timer save_soon_, scaling_;
  TaskGroup life_;
  LocalControl control_;
  Remote remote_;
  Monitoring monitoring_;
};

Worker::Worker(WorkerSettings settings, const Registry& registry)
    : core_(std::make_unique<Core>(std::move(settings), registry)) {}
Worker::~Worker() = default;

int Worker::run() {
  return core_->run();
}

}  // namespace celeriac::worker
