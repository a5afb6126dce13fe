#include <celeriac/error.h>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <thread>

#include "protocol/serialization/compression.h"
#include "worker/config/bind.h"
#include "worker/config/queue_settings.h"
#include "worker/config/settings.h"

namespace celeriac::worker {
namespace {

using bind::choice;
using bind::flag;
using bind::seconds;
using bind::size;
using bind::text;
using bind::urls;
using bind::whole;
using bind::words;

constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

// `in(part, member)` finds a member of a part of the settings.
template <class Part, class Owner, class Member>
auto in(Part part, Member Owner::*member) {
  return [ part, member ](auto& settings) -> auto& {
    return part(settings).*member;
  };
}
constexpr auto kAddresses = [](auto& s) -> auto& {
  return s.addresses;
};
constexpr auto kWorker = [](auto& s) -> auto& {
  return s.worker;
};
constexpr auto kBroker = [](auto& s) -> auto& {
  return s.worker.broker;
};
constexpr auto kTls = [](auto& s) -> auto& {
  return s.worker.broker.tls;
};
constexpr auto kQueues = [](auto& s) -> auto& {
  return s.worker.queues;
};
constexpr auto kPublish = [](auto& s) -> auto& {
  return s.worker.publish;
};
constexpr auto kConsumer = [](auto& s) -> auto& {
  return s.worker.consumer;
};
constexpr auto kPool = [](auto& s) -> auto& {
  return s.worker.pool;
};
constexpr auto kTasks = [](auto& s) -> auto& {
  return s.worker.tasks;
};
constexpr auto kResults = [](auto& s) -> auto& {
  return s.worker.results;
};
constexpr auto kRemote = [](auto& s) -> auto& {
  return s.worker.remote;
};
constexpr auto kLog = [](auto& s) -> auto& {
  return s.log;
};
constexpr auto kMonitoring = [](auto& s) -> auto& {
  return s.worker.monitoring;
};
constexpr auto kProcess = [](auto& s) -> auto& {
  return s.process;
};

// The option that takes the setting's value, under Celery's names.
Setting option(Setting setting, std::string flags, std::string placeholder) {
  setting.option = std::move(flags);
  setting.placeholder = std::move(placeholder);
  return setting;
}
// The option without a value that stands for this one.
Setting switched(Setting setting, std::string flags, std::string value = "true") {
  setting.option = std::move(flags);
  setting.flag_value = std::move(value);
  return setting;
}
Setting structured(Setting setting) {
  setting.structured = true;
  return setting;
}

void add(std::vector<Setting>& table, const std::string& topic, std::vector<Setting> settings) {
  for (Setting& setting : settings) {
    setting.topic = topic;
    table.push_back(std::move(setting));
  }
}

Setting broker_use_ssl() {
  Setting setting = structured(bind::entry(
      "broker_use_ssl", "true or false, or a map of ca_certs, certfile, keyfile, cert_reqs",
      "Speak TLS with the broker; implied by amqps://. cert_reqs is required, or none to "
      "accept any certificate; check_hostname: false accepts one of another host."));
  setting.read = [](Settings& settings, const ConfigValueView& value) {
    auto& tls = kTls(settings);
    if (!value.is_map()) {
      if (const auto on = value.flag()) tls.enabled = *on;
      return;
    }
    ConfigMapView map = value.map(value.name());
    tls.enabled = true;
    tls.ca_certs = map.get("ca_certs").text().value_or("");
    tls.certfile = map.get("certfile").text().value_or("");
    tls.keyfile = map.get("keyfile").text().value_or("");
    tls.verify_peer = map.get("cert_reqs")
                          .one_of<bool>({{"required", true},
                                         {"none", false},
                                         {"CERT_REQUIRED", true},
                                         {"CERT_NONE", false}})
                          .value_or(true);
    tls.verify_hostname = map.get("check_hostname").flag().value_or(tls.verify_peer);
    map.finish();
  };
  setting.show = [](const Settings& settings) {
    const auto& tls = kTls(settings);
    if (!tls.enabled) return Json(false);
    JsonObject object;
    if (!tls.ca_certs.empty()) object.set("ca_certs", tls.ca_certs);
    if (!tls.certfile.empty()) object.set("certfile", tls.certfile);
    if (!tls.keyfile.empty()) object.set("keyfile", tls.keyfile);
    object.set("cert_reqs", tls.verify_peer ? "required" : "none");
    object.set("check_hostname", tls.verify_hostname);
    return Json(std::move(object));
  };
  return setting;
}

// Levels are read in any case, as Celery's `-l info`.
Setting worker_loglevel() {
  Setting setting = bind::entry("worker_loglevel", "DEBUG, INFO, WARNING, ERROR or CRITICAL",
                                "What is not worth this level is not written.");
  setting.read = [](Settings& settings, const ConfigValueView& value) {
    const auto name = value.text();
    if (!name) return;
    if (const auto level = log::parse_level(*name)) {
      settings.log.level = *level;
    } else {
      value.mistake(value.name() + " is " + value.shown() +
                    "; it must be DEBUG, INFO, WARNING, ERROR or CRITICAL");
    }
  };
  setting.show = [](const Settings& settings) { return Json(log::to_string(settings.log.level)); };
  return setting;
}

// Celery 5.7's `-c auto` is what 0 is.
Setting worker_concurrency() {
  Setting setting =
      whole("worker_concurrency", in(kPool, &PoolSettings::concurrency), 0, 1'000'000,
            "How many tasks run at a time. 0 or auto: as many as there are processors.");
  const auto read = setting.read;
  setting.read = [read](Settings& settings, const ConfigValueView& value) {
    if (value.is_scalar() && value.node()->text == "auto") {
      settings.worker.pool.concurrency = 0;
    } else {
      read(settings, value);
    }
  };
  return setting;
}

template <class Field>
Setting compression(std::string name, Field field, std::string meaning) {
  Setting setting = text(std::move(name), field, std::move(meaning));
  const auto read = setting.read;
  setting.read = [field, read](Settings& settings, const ConfigValueView& value) {
    read(settings, value);
    const std::string& codec = field(settings);
    if (codec.empty() || protocol::compression_type_of(codec)) return;
    value.mistake(value.name() + " is " + value.shown() + "; use gzip, bzip2, lzma or zstd");
  };
  return setting;
}

Setting result_backend() {
  Setting setting = text("result_backend", in(kResults, &ResultSettings::backend),
                         "Where results are kept: `redis://…`, `rpc://`, or null for nowhere. "
                         "`disabled` is null.");
  setting.type = "address";
  setting.secret = true;
  const auto read = setting.read;
  setting.read = [read](Settings& settings, const ConfigValueView& value) {
    read(settings, value);
    std::string& backend = settings.worker.results.backend;
    if (backend == "disabled" || backend.starts_with("disabled:")) backend.clear();
    if (backend == "rpc") backend = "rpc://";
    if (backend == "redis") backend = "redis://localhost:6379/0";
    if (!backend.empty()) bind::check_url(backend, value);
  };
  setting.show = [](const Settings& settings) {
    const std::string& backend = settings.worker.results.backend;
    return backend.empty() ? Json() : Json(protocol::display_url(backend));
  };
  return setting;
}

Setting result_backend_transport_options() {
  Setting setting = structured(bind::entry(
      "result_backend_transport_options", "map of result_chord_ordered, global_keyprefix",
      "result_chord_ordered (true): a chord's results keep the order of its header. "
      "global_keyprefix: written before every key in Redis."));
  setting.read = [](Settings& settings, const ConfigValueView& value) {
    ConfigMapView map = value.map(value.name());
    ResultSettings& results = settings.worker.results;
    results.chord_ordered = map.get("result_chord_ordered").flag().value_or(results.chord_ordered);
    results.global_keyprefix =
        map.get("global_keyprefix").text().value_or(results.global_keyprefix);
    map.finish();
  };
  setting.show = [](const Settings& settings) {
    const ResultSettings& results = settings.worker.results;
    JsonObject object{{"result_chord_ordered", results.chord_ordered}};
    if (!results.global_keyprefix.empty()) {
      object.set("global_keyprefix", results.global_keyprefix);
    }
    return Json(std::move(object));
  };
  return setting;
}

template <class Field, class Read, class Show>
Setting shaped(std::string name, std::string type, Field field, Read read, Show show,
               std::string meaning) {
  Setting setting = structured(bind::entry(std::move(name), std::move(type), std::move(meaning)));
  setting.read = [field, read](Settings& settings, const ConfigValueView& value) {
    if (value.written()) field(settings) = read(value);
  };
  setting.show = [field, show](const Settings& settings) { return show(field(settings)); };
  return setting;
}

void add_broker(std::vector<Setting>& table) {
  using S = BrokerSettings;
  Setting url = urls("broker_url", in(kAddresses, &BrokerAddresses::url),
                     "The broker's address, `amqp://user:password@host:5672/vhost`. Several are "
                     "tried in turn.");
  url.show = [](const Settings& settings) {
    std::string all;
    for (const std::string& one : settings.addresses.url) {
      all += (all.empty() ? "" : ";") + protocol::display_url(one);
    }
    return all.empty() ? Json(protocol::display_url("amqp://")) : Json(std::move(all));
  };
  Setting heartbeat = seconds("broker_heartbeat", in(kBroker, &S::heartbeat),
                              "Asked of the broker, which may lower it; no task can delay it. 0: "
                              "none.");
  add(table, "Broker",
      {option(url, "-b,--broker", "URL"),
       urls("broker_read_url", in(kAddresses, &BrokerAddresses::read_url),
            "Where to consume from, if not broker_url."),
       urls("broker_write_url", in(kAddresses, &BrokerAddresses::write_url),
            "Where to publish to, if not broker_url."),
       seconds("broker_connection_timeout", in(kBroker, &S::connection_timeout),
               "How long one attempt to connect may take."),
       flag("broker_connection_retry", in(kBroker, &S::connection_retry),
            "Connect again after the connection was lost."),
       flag("broker_connection_retry_on_startup", in(kBroker, &S::connection_retry_on_startup),
            "Try again where the first connection fails. null: as broker_connection_retry."),
       whole("broker_connection_max_retries", in(kBroker, &S::connection_max_retries), 0,
             std::numeric_limits<std::uint32_t>::max(),
             "How often to try again before the worker ends. null: for ever, since a worker that "
             "ends helps nobody."),
       choice("broker_failover_strategy", in(kBroker, &S::failover_strategy),
              {{"round-robin", S::Failover::round_robin}, {"shuffle", S::Failover::shuffle}},
              "In which order several addresses are tried."),
       heartbeat,
       choice("broker_login_method", in(kBroker, &S::login_method),
              {{"PLAIN", "PLAIN"}, {"EXTERNAL", "EXTERNAL"}},
              "How to log in; EXTERNAL uses the client certificate."),
       broker_use_ssl(),
       size("broker_max_body_bytes", in(kBroker, &S::max_body_bytes),
            "A larger message is refused, unread."),
       whole("broker_outbox_messages", in(kBroker, &S::outbox_messages), 1, kMost,
             "How many messages may wait for the broker's confirm before publishing fails."),
       size("broker_outbox_bytes", in(kBroker, &S::outbox_bytes),
            "How many bytes of messages may wait for the broker's confirm.")});
}

void add_queues(std::vector<Setting>& table) {
  using S = QueueSettings;
  add(table, "Queues",
      {option(words("worker_queues", in(kQueues, &S::select), ',',
                    "The queues to consume, out of task_queues. A name that is not there is "
                    "created. Empty: all of task_queues."),
              "-Q,--queues", "NAMES"),
       option(words("worker_exclude_queues", in(kQueues, &S::deselect), ',',
                    "Queues of task_queues that are not consumed."),
              "-X,--exclude-queues", "NAMES"),
       shaped(
           "task_queues", "list of queues, or a map of names to options",
           in(kQueues, &S::task_queues), read_task_queues, shown_task_queues,
           "The queues there are. Options: exchange, exchange_type, routing_key, durable, "
           "auto_delete, exclusive, queue_arguments, max_length, max_length_bytes, max_priority, "
           "message_ttl, expires, consumer_arguments, binding_arguments, bindings."),
       text("task_default_queue", in(kQueues, &S::task_default_queue),
            "The queue of tasks without a route, and the one consumed where task_queues is "
            "empty."),
       choice("task_default_queue_type", in(kQueues, &S::task_default_queue_type),
              {{"classic", "classic"}, {"quorum", "quorum"}}, "How the default queue is declared."),
       text("task_default_exchange", in(kQueues, &S::task_default_exchange),
            "The exchange of queues that name none. null: as the queue."),
       choice(
           "task_default_exchange_type", in(kQueues, &S::task_default_exchange_type),
           {{"direct", "direct"}, {"topic", "topic"}, {"fanout", "fanout"}, {"headers", "headers"}},
           "The type of that exchange."),
       text("task_default_routing_key", in(kQueues, &S::task_default_routing_key),
            "The routing key of queues that name none. null: as the queue."),
       whole("task_queue_max_priority", in(kQueues, &S::task_queue_max_priority), 1, 255,
             "Gives every queue that many priorities (x-max-priority)."),
       flag("task_create_missing_queues", in(kQueues, &S::task_create_missing_queues),
            "Create a queue that is named but not in task_queues; otherwise refuse to start."),
       choice("task_create_missing_queue_type", in(kQueues, &S::task_create_missing_queue_type),
              {{"classic", "classic"}, {"quorum", "quorum"}}, "How such a queue is declared."),
       choice("task_create_missing_queue_exchange_type",
              in(kQueues, &S::task_create_missing_queue_exchange_type),
              {{"direct", "direct"}, {"topic", "topic"}, {"fanout", "fanout"}},
              "The type of the exchange that is created with it."),
       choice("broker_native_delayed_delivery_queue_type",
              in(kQueues, &S::broker_native_delayed_delivery_queue_type),
              {{"classic", "classic"}, {"quorum", "quorum"}},
              "How the queues are declared in which tasks with an eta wait at the broker. They "
              "exist where any queue is a quorum queue, and serve those whose exchange is not "
              "direct."),
       flag("worker_direct", in(kQueues, &S::worker_direct),
            "Consume also `NODENAME.dq2`, a queue for this worker alone."),
       option(text("worker_state_db", in(kWorker, &WorkerSettings::state_db),
                   "The file in which revoked tasks survive a restart. null: they do not. %n is "
                   "the node's name, %h its host, %p both."),
              "-S,--statedb", "FILE"),
       switched(flag("worker_purge", in(kWorker, &WorkerSettings::purge),
                     "Delete the waiting messages of the consumed queues before the start."),
                "--purge,--discard")});
}

void add_routing(std::vector<Setting>& table) {
  using S = PublishSettings;
  add(table, "What the worker publishes",
      {shaped("task_routes", "map of task names or globs to a queue or routing options",
              in(kPublish, &S::task_routes), read_task_routes, shown_task_routes,
              "Where tasks go that the worker sends itself: the next of a chain, a retry, a "
              "callback. Options: queue, exchange, routing_key, priority."),
       choice("task_serializer", in(kPublish, &S::task_serializer),
              {{"json", "json"}, {"yaml", "yaml"}, {"msgpack", "msgpack"}},
              "How message bodies are written."),
       compression("task_compression", in(kPublish, &S::task_compression),
                   "How message bodies are compressed: gzip, bzip2, lzma, zstd. null: not."),
       whole("task_default_delivery_mode", in(kPublish, &S::task_default_delivery_mode), 1, 2,
             "2: messages survive a restart of the broker. 1: they do not."),
       whole("task_default_priority", in(kPublish, &S::task_default_priority), 0, 255,
             "The priority of messages that name none."),
       flag("task_inherit_parent_priority", in(kPublish, &S::task_inherit_parent_priority),
            "A task sent by a task has its priority."),
       flag("task_allow_error_cb_on_chord_header",
            in(kPublish, &S::task_allow_error_cb_on_chord_header),
            "An error callback of a chord is called for the tasks of its header, too.")});
}

void add_consumer(std::vector<Setting>& table) {
  using S = ConsumerSettings;
  Setting multiplier =
      whole("worker_prefetch_multiplier", in(kConsumer, &S::prefetch_multiplier), 0, 65535,
            "How many messages are fetched ahead for every slot. 0: no bound.");
  add(table, "What the worker takes and holds",
      {words("accept_content", in(kConsumer, &S::accept_content), ',',
             "The content types that are read; pickle never is."),
       option(multiplier, "--prefetch-multiplier", "N"),
       switched(flag("worker_disable_prefetch", in(kConsumer, &S::disable_prefetch),
                     "Take a message only when a slot is free, so that a long task holds no "
                     "other; costs two round trips to the broker for each."),
                "--disable-prefetch"),
       flag("worker_disable_rate_limits", in(kConsumer, &S::disable_rate_limits),
            "Ignore every rate limit."),
       whole("worker_delivery_limit", in(kConsumer, &S::delivery_limit), 0, kMost,
             "A message that was delivered so often and never came to its end, because it was "
             "lost with a worker or a child or put back, fails with WorkerLostError and is "
             "rejected (dead-lettered, where its queue has a dead-letter exchange). Keep it below "
             "the queue's x-delivery-limit, by which RabbitMQ drops messages without a result. 0: "
             "no limit."),
       whole("worker_held_messages", in(kConsumer, &S::held_messages), 0, kMost,
             "How many tasks may wait here for their eta or rate limit. What is beyond that goes "
             "back to the broker as a delayed message."),
       size("worker_held_bytes", in(kConsumer, &S::held_bytes),
            "How many bytes of messages may wait here."),
       seconds("worker_eta_hold_limit", in(kConsumer, &S::eta_hold_limit),
               "A task whose eta or rate limit is further away goes back to the broker at once. "
               "Keep it below the broker's consumer_timeout (30 min).")});
}

// Celery takes the two numbers in either order, and one alone as the most.
Setting worker_autoscale() {
  Setting setting = bind::entry("worker_autoscale", "MAX,MIN",
                                "Have between MIN and MAX slots, as they are needed; those that "
                                "came go again after AUTOSCALE_KEEPALIVE seconds (an environment "
                                "variable; 30). null: always worker_concurrency of them.");
  setting.read = [](Settings& settings, const ConfigValueView& value) {
    std::optional<AutoscaleLimits>& field = settings.worker.pool.autoscale;
    bind::unset_if_null(field, value);
    const auto text = value.text();
    if (!text) return;
    std::istringstream words(*text);
    long long first = 0, second = 0;
    char comma = ',';
    const bool read = static_cast<bool>(words >> first);
    const bool both = static_cast<bool>(words >> comma >> second);
    if (!read || (!both && !words.eof()) || comma != ',' || first < 0 || second < 0 ||
        std::max(first, second) < 1 || std::max(first, second) > 1'000'000) {
      value.mistake(value.name() + " must be MAX,MIN, such as 10,3");
      return;
    }
    field = AutoscaleLimits{static_cast<std::size_t>(std::max(first, second)),
                            static_cast<std::size_t>(std::min(first, second))};
  };
  setting.show = [](const Settings& settings) {
    const auto& field = settings.worker.pool.autoscale;
    return field ? Json(std::to_string(field->max) + "," + std::to_string(field->min)) : Json();
  };
  return setting;
}

void add_pool(std::vector<Setting>& table) {
  using S = PoolSettings;
  add(table, "Where tasks run",
      {option(worker_concurrency(), "-c,--concurrency", "N"),
       option(choice("worker_pool", in(kPool, &S::kind),
                     {{"threads", S::Kind::threads},
                      {"prefork", S::Kind::prefork},
                      {"processes", S::Kind::prefork},
                      {"solo", S::Kind::solo},
                      // Thousands of waiting tasks need no pool of their own here.
                      {"gevent", S::Kind::threads},
                      {"eventlet", S::Kind::threads}},
                     "Where plain functions run: threads of this process, child processes "
                     "(prefork, processes), or one at a time (solo). Coroutines always run on the "
                     "event loop, so gevent and eventlet are read as threads."),
              "-P,--pool", "POOL"),
       option(worker_autoscale(), "--autoscale", "MAX,MIN"),
       option(whole("worker_max_tasks_per_child", in(kPool, &S::max_tasks_per_child), 1, kMost,
                    "A child process of prefork is replaced after so many tasks. null: never."),
              "--max-tasks-per-child", "N"),
       option(
           whole("worker_max_memory_per_child", in(kPool, &S::max_memory_per_child_kib), 1, kMost,
                 "A child process of prefork is replaced when it uses more, in KiB. null: "
                 "never."),
           "--max-memory-per-child", "KIB")});
}

void add_tasks(std::vector<Setting>& table) {
  using S = TaskSettings;
  add(table, "Tasks",
      {flag("task_acks_late", in(kTasks, &S::acks_late),
            "Acknowledge a message when its task has ended, not when it begins."),
       flag("task_acks_on_failure_or_timeout", in(kTasks, &S::acks_on_failure_or_timeout),
            "Acknowledge late-acknowledged tasks also when they fail."),
       flag("task_acks_on_failure", in(kTasks, &S::acks_on_failure),
            "The same for failures alone. null: as above."),
       flag("task_acks_on_timeout", in(kTasks, &S::acks_on_timeout),
            "The same for the hard time limit alone. null: as above."),
       flag("task_reject_on_worker_lost", in(kTasks, &S::reject_on_worker_lost),
            "Give a late-acknowledged message back when the process that ran it was lost."),
       flag("task_track_started", in(kTasks, &S::track_started),
            "Store the state STARTED when a task begins."),
       flag("task_ignore_result", in(kTasks, &S::ignore_result), "Store no results."),
       flag("task_store_errors_even_if_ignored", in(kTasks, &S::store_errors_even_if_ignored),
            "Store failures even of tasks that ignore their result."),
       option(seconds("task_time_limit", in(kTasks, &S::time_limit),
                      "A task is ended after this time: a coroutine, or a function with prefork. "
                      "Refused on threads, which cannot be ended. null: never."),
              "--time-limit", "SECONDS"),
       option(seconds("task_soft_time_limit", in(kTasks, &S::soft_time_limit),
                      "A task gets SoftTimeLimitExceeded after this time. null: never."),
              "--soft-time-limit", "SECONDS"),
       text("task_default_rate_limit", in(kTasks, &S::default_rate_limit),
            "The rate of tasks that have none of their own: `10/s`, `100/m`, `1000/h`."),
       shaped("task_annotations", "map of task names or `*` to attributes",
              in(kTasks, &S::annotations), read_task_annotations, shown_task_annotations,
              "Overrides what tasks say of themselves: rate_limit, time_limit, max_retries, "
              "acks_late …")});
}

void add_results(std::vector<Setting>& table) {
  using S = ResultSettings;
  add(table, "Results",
      {option(result_backend(), "--result-backend", "URL"),
       seconds("result_expires", in(kResults, &S::expires),
               "How long results are kept. 0: for ever."),
       seconds(
           "result_failure_expires", in(kResults, &S::failure_expires),
           "How long results of failed tasks are kept in Redis. Unset: as result_expires. 0: for "
           "ever."),
       choice("result_serializer", in(kResults, &S::serializer),
              {{"json", "json"}, {"yaml", "yaml"}, {"msgpack", "msgpack"}},
              "How results are written; who reads them in Redis must have the same setting."),
       compression(
           "result_compression", in(kResults, &S::compression),
           "How results in Redis are compressed: gzip, bzip2, lzma, zstd. Celery reads that from "
           "5.7 on. null: not."),
       words("result_accept_content", in(kResults, &S::accept_content), ',',
             "The content types of results that rpc:// reads. Unset: as accept_content."),
       flag("result_extended", in(kResults, &S::extended),
            "Store name, arguments, worker, retries and queue with a result."),
       flag("result_persistent", in(kResults, &S::persistent),
            "Results of rpc:// survive a restart of the broker."),
       result_backend_transport_options(),
       seconds("result_chord_expires", in(kResults, &S::chord_expires),
               "How long what counts a chord is kept. Unset: as result_expires. 0: for ever."),
       seconds("result_chord_join_timeout", in(kResults, &S::chord_join_timeout),
               "How long the results of a chord's header may take to be read."),
       seconds("result_chord_retry_interval", in(kResults, &S::chord_retry_interval),
               "How often a chord is looked after where the backend cannot count."),
       whole("result_outbox_messages", in(kResults, &S::outbox_messages), 1, kMost,
             "How many results wait while the backend is away. Beyond that no task starts."),
       size("result_outbox_bytes", in(kResults, &S::outbox_bytes),
            "How many bytes of results wait while the backend is away.")});
}

void add_remote(std::vector<Setting>& table) {
  using S = RemoteSettings;
  add(table, "Events and remote control",
      {switched(flag("worker_send_task_events", in(kRemote, &S::send_task_events),
                     "Tell Flower and `celery events` about every task."),
                "-E,--task-events,--events"),
       flag("task_send_sent_event", in(kRemote, &S::send_sent_event),
            "Tell of every task that the worker itself publishes (task-sent)."),
       flag("worker_enable_remote_control", in(kRemote, &S::enable_remote_control),
            "Answer `celery inspect` and `celery control`."),
       switched(flag("worker_heartbeat", in(kRemote, &S::heartbeat),
                     "Send worker-heartbeat events, by which Flower knows that it lives."),
                "--without-heartbeat", "false"),
       option(seconds("worker_heartbeat_interval", in(kRemote, &S::heartbeat_interval),
                      "The time between two of them."),
              "--heartbeat-interval", "SECONDS"),
       switched(flag("worker_gossip", in(kRemote, &S::gossip),
                     "Listen to other workers' events. Off: a thousand workers would flood the "
                     "broker."),
                "--with-gossip"),
       switched(flag("worker_mingle", in(kRemote, &S::mingle),
                     "Ask the other workers for clock and revoked tasks at the start."),
                "--with-mingle"),
       text("event_exchange", in(kRemote, &S::event_exchange), "The exchange of events."),
       text("event_queue_prefix", in(kRemote, &S::event_queue_prefix),
            "How queues for received events are called."),
       seconds("event_queue_ttl", in(kRemote, &S::event_queue_ttl),
               "How long an event waits in them."),
       seconds("event_queue_expires", in(kRemote, &S::event_queue_expires),
               "How long such a queue is kept unused."),
       flag("event_queue_exclusive", in(kRemote, &S::event_queue_exclusive),
            "Whether it belongs to one connection."),
       flag("event_queue_durable", in(kRemote, &S::event_queue_durable),
            "Whether it survives a restart of the broker."),
       text("control_exchange", in(kRemote, &S::control_exchange),
            "The exchange of remote control is this and `.pidbox`."),
       seconds("control_queue_ttl", in(kRemote, &S::control_queue_ttl),
               "How long a request waits for this worker."),
       seconds("control_queue_expires", in(kRemote, &S::control_queue_expires),
               "How long the queue of requests is kept unused."),
       flag("control_queue_exclusive", in(kRemote, &S::control_queue_exclusive),
            "Whether it belongs to one connection."),
       flag("control_queue_durable", in(kRemote, &S::control_queue_durable),
            "Whether it survives a restart of the broker.")});
}

void add_log(std::vector<Setting>& table) {
  using S = LogSettings;
  add(table, "Log",
      {option(worker_loglevel(), "-l,--loglevel", "LEVEL"),
       option(text("worker_logfile", in(kLog, &S::file),
                   "The file to write to, opened again on HUP. null: stderr. %n is the node's "
                   "name, %h its host, %p both."),
              "-f,--logfile", "FILE"),
       flag("worker_log_color", in(kLog, &S::color),
            "Colour the levels. null: where stderr is a terminal."),
       option(choice("worker_log_format", in(kLog, &S::format),
                     {{"text", S::Format::text}, {"json", S::Format::json}},
                     "Celery's lines, or one JSON object a line."),
              "--log-format", "FORMAT"),
       option(choice("worker_log_fields", in(kLog, &S::fields),
                     {{"ecs", S::Fields::ecs}, {"logstash_v1", S::Fields::logstash_v1}},
                     "The field names of JSON lines: Elastic Common Schema, or those of "
                     "python-logstash."),
              "--log-fields", "NAMES"),
       option(text("worker_log_logstash", in(kLog, &S::logstash),
                   "HOST:PORT of a Logstash input `tcp { codec => json_lines }` that gets every "
                   "line too."),
              "--log-logstash", "HOST:PORT"),
       whole("worker_log_logstash_buffer", in(kLog, &S::logstash_buffer), 1, 1'000'000,
             "How many lines wait while Logstash is away. Beyond that the oldest are dropped and "
             "counted.")});
}

void add_process(std::vector<Setting>& table) {
  using S = ProcessSettings;
  add(table, "Process",
      {option(words("app", in(kProcess, &S::modules), ',',
                    "Task modules, as `./libproj.so`, made with CELERIAC_MODULE."),
              "-A,--app", "MODULE"),
       option(text("worker_hostname", in(kWorker, &WorkerSettings::nodename),
                   "The node's name: `celery@%h`. %h is the full host name, %n its first part, "
                   "%d the domain."),
              "-n,--hostname", "NAME"),
       option(text("worker_http", in(kMonitoring, &MonitoringSettings::http),
                   "[HOST:]PORT of the endpoint for /metrics, /healthz, /readyz and /status."),
              "--http", "[HOST:]PORT"),
       option(text("worker_pidfile", in(kProcess, &S::pidfile),
                   "Where to write the process id. A worker whose file names a process that "
                   "lives refuses to start."),
              "--pidfile", "FILE"),
       switched(flag("worker_detach", in(kProcess, &S::detach), "Run in the background."),
                "-D,--detach"),
       option(text("worker_uid", in(kProcess, &S::uid), "The user to run as."), "--uid", "USER"),
       option(text("worker_gid", in(kProcess, &S::gid), "The group to run as."), "--gid", "GROUP"),
       option(text("worker_umask", in(kProcess, &S::umask), "The umask, in octal."), "--umask",
              "OCTAL"),
       switched(flag("quiet", in(kProcess, &S::quiet), "Show no banner."), "-q,--quiet")});
}

std::vector<Setting> make_table() {
  std::vector<Setting> table;
  add_broker(table);
  add_queues(table);
  add_routing(table);
  add_consumer(table);
  add_pool(table);
  add_tasks(table);
  add_results(table);
  add_remote(table);
  add_log(table);
  add_process(table);
  return table;
}

}  // namespace

namespace bind {
std::optional<std::string> url_mistake(const std::string& url) {
  try {
    protocol::parse_url(url);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return std::nullopt;
}
}  // namespace bind

const std::vector<Setting>& setting_table() {
  static const std::vector<Setting> table = make_table();
  return table;
}

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : setting_table()) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

const std::vector<MeaninglessSetting>& meaningless_settings() {
  static const std::vector<MeaninglessSetting> settings{
      {"broker_heartbeat_checkrate", "heartbeats do not depend on a check rate here", {}},
      {"broker_pool_limit", "there are two connections, whatever is running", {}},
      {"enable_utc", "times are UTC on the wire, as Celery's default has them", true},
      {"timezone", "the schedule is beat's; times on the wire are UTC", {}},
      {"task_protocol", "messages are written in protocol 2 and read in both", 2},
      {"task_publish_retry", "what is published waits for the broker and its confirm", true},
      {"worker_hijack_root_logger", "there is no Python logger to take over", false},
      {"worker_redirect_stdouts", "there is no Python sys.stdout to redirect", false},
      {"worker_redirect_stdouts_level", "there is no Python sys.stdout to redirect", {}},
      {"worker_timer_precision", "timers are exact to the millisecond", 0.001},
      {"worker_pool_putlocks", "slots limit what runs", true},
      {"worker_enable_prefetch_count_reduction", "messages are held, never fetched twice", false},
      {"worker_detect_quorum_queues", "prefetch is set per consumer, which suits every queue",
       true},
      {"result_cache_max", "results are not cached", -1},
      {"redis_max_connections", "one connection carries every command", 1},
      {"imports", "tasks come from modules given with -A", Json::array()},
      {"include", "tasks come from modules given with -A", Json::array()},
      {"beat_schedule", "the schedule is beat's", Json::object()},
  };
  return settings;
}

void settle(Settings& settings) {
  const BrokerAddresses& addresses = settings.addresses;
  BrokerSettings& broker = settings.worker.broker;
  broker.urls = addresses.read_url.empty() ? addresses.url : addresses.read_url;
  broker.write_urls = addresses.write_url.empty() ? addresses.url : addresses.write_url;
  if (broker.write_urls == broker.urls) broker.write_urls.clear();
  if (settings.worker.pool.concurrency == 0) {
    settings.worker.pool.concurrency = std::max(1U, std::thread::hardware_concurrency());
  }
}

}  // namespace celeriac::worker
