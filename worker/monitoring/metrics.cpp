#include "worker/monitoring/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace celeriac::worker {
namespace {

using CounterFamily = prometheus::Family<prometheus::Counter>;
using HistogramFamily = prometheus::Family<prometheus::Histogram>;
using Buckets = prometheus::Histogram::BucketBoundaries;
using PrometheusLabels = prometheus::Labels;

// celery-exporter's.
const Buckets kRuntimeBuckets{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10};
const Buckets kWaitBuckets{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800};
// For what tasks observe: durations of calls to others.
const Buckets kCallBuckets{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60};

// Arrivals that are remembered until their task starts; beyond it waits are not measured.
constexpr std::size_t kMaxArrivals = 100'000;

constexpr const char* kOther = "other";
// Producers decide what an unknown task is called; each name must not become a series.
constexpr const char* kUnregistered = "unregistered";

bool is_metric_name(std::string_view name) {
  const auto part = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), part) && !name.starts_with("__");
}

CounterFamily& counters(prometheus::Registry& registry, const std::string& name,
                        const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
HistogramFamily& histograms(prometheus::Registry& registry, const std::string& name,
                            const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

// A family whose samples are taken at the scrape.
class Sampled {
 public:
  Sampled(std::string name, std::string help, prometheus::MetricType type) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }
  Sampled& add(double value, const PrometheusLabels& labels = {}) {
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : labels) metric.label.push_back({name, text});
    metric.counter.value = value;
    metric.gauge.value = value;
    family_.metric.push_back(std::move(metric));
    return *this;
  }
  const prometheus::MetricFamily& family() const { return family_; }

 private:
  prometheus::MetricFamily family_;
};

// Collects what is sampled.
class Samples {
 public:
  void gauge(std::string name, std::string help, double value,
             const PrometheusLabels& labels = {}) {
    add(Sampled(std::move(name), std::move(help), prometheus::MetricType::Gauge)
            .add(value, labels));
  }
  void counter(std::string name, std::string help, double value) {
    add(Sampled(std::move(name), std::move(help), prometheus::MetricType::Counter).add(value));
  }
  void add(const Sampled& sampled) { families_.push_back(sampled.family()); }
  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

template <class Number>
double real(Number number) {
  return static_cast<double>(number);
}

void sample_broker(Samples& samples, const BrokerStatus& broker) {
  using prometheus::MetricType;
  samples.gauge("celeriac_broker_connected", "1 while the consuming connection is there.",
                broker.connected ? 1 : 0);
  samples.gauge("celeriac_broker_consuming", "1 while every queue is consumed.",
                broker.consuming ? 1 : 0);
  samples.gauge("celeriac_broker_blocked", "1 while the broker lets nobody publish.",
                broker.publisher_blocked ? 1 : 0);
  samples.counter("celeriac_broker_reconnects_total", "Connections after the first.",
                  real(broker.reconnects));
  samples.counter("celeriac_deliveries_total", "Messages that the broker delivered.",
                  real(broker.deliveries));
  samples.add(Sampled("celeriac_acks_total", "Messages settled, by how.", MetricType::Counter)
                  .add(real(broker.acks), {{"kind", "ack"}})
                  .add(real(broker.rejects), {{"kind", "reject"}})
                  .add(real(broker.requeues), {{"kind", "requeue"}}));
  samples.counter("celeriac_published_total", "Messages handed to the publisher.",
                  real(broker.published));
  samples.add(Sampled("celeriac_publications_total", "Messages published, by what became of them.",
                      MetricType::Counter)
                  .add(real(broker.confirmed), {{"outcome", "confirmed"}})
                  .add(real(broker.returned), {{"outcome", "returned"}})
                  .add(real(broker.dropped), {{"outcome", "dropped"}}));
  samples.gauge("celeriac_outbox_messages", "Messages that wait to be published or confirmed.",
                real(broker.outbox_messages));
  samples.gauge("celeriac_outbox_bytes", "Their size.", real(broker.outbox_bytes));
}

void sample_process(Samples& samples, const ProcessUsage& usage) {
  samples.counter("process_cpu_seconds_total", "CPU time used.", usage.cpu_seconds);
  samples.gauge("process_resident_memory_bytes", "Memory in RAM.", real(usage.resident_bytes));
  samples.gauge("process_virtual_memory_bytes", "Address space.", real(usage.virtual_bytes));
  samples.gauge("process_open_fds", "Open files.", real(usage.open_files));
  samples.gauge("process_max_fds", "Files that may be open.", real(usage.max_files));
  samples.gauge("process_threads", "Threads.", real(usage.threads));
  samples.gauge("process_start_time_seconds", "Start of the process, Unix time.",
                usage.start_time_seconds);
}

}  // namespace

// The series of one task in one queue, found once and then counted without a search.
struct Metrics::TaskSeries {
  PrometheusLabels labels;
  prometheus::Counter& sent;
  prometheus::Counter& received;
  prometheus::Counter& started;
  prometheus::Counter& succeeded;
  prometheus::Counter& rejected;
  prometheus::Counter& revoked;
  prometheus::Counter& retried;
  prometheus::Histogram& runtime;
  prometheus::Histogram& queue_wait;
  prometheus::Histogram& slot_wait;
  std::map<std::string, prometheus::Counter*, std::less<>> failed;  // by exception
};

struct Metrics::Families {
  prometheus::Registry registry;
  CounterFamily& sent =
      counters(registry, "celery_task_sent_total", "Tasks that this worker published itself.");
  CounterFamily& received =
      counters(registry, "celery_task_received_total", "Tasks that this worker received.");
  CounterFamily& started = counters(registry, "celery_task_started_total", "Tasks that began.");
  CounterFamily& succeeded =
      counters(registry, "celery_task_succeeded_total", "Tasks that succeeded.");
  CounterFamily& failed =
      counters(registry, "celery_task_failed_total", "Tasks that failed, by exception.");
  CounterFamily& rejected =
      counters(registry, "celery_task_rejected_total", "Tasks that were rejected.");
  CounterFamily& revoked =
      counters(registry, "celery_task_revoked_total", "Tasks that were revoked or expired.");
  CounterFamily& retried =
      counters(registry, "celery_task_retried_total", "Tasks that are to be tried again.");
  HistogramFamily& runtime =
      histograms(registry, "celery_task_runtime", "Run time of successful tasks, in seconds.");
  HistogramFamily& queue_wait = histograms(
      registry, "celery_task_queue_wait_time",
      "Time from a task's sending, as far as the message tells it, else from its arrival, or from "
      "its eta if that is later, to its start, in seconds.");
  HistogramFamily& slot_wait = histograms(
      registry, "celeriac_task_wait_seconds",
      "Time from a task's arrival in this worker, or its eta if that is later, to its start.");
  CounterFamily& dropped = counters(registry, "celeriac_metrics_dropped_total",
                                    "Values of metrics that tasks count and that are too many.");
  prometheus::Counter& dropped_values = dropped.Add({});

  std::map<std::pair<std::string, std::string>, TaskSeries, std::less<>> series;
  std::set<std::string, std::less<>> foreign;  // tasks that are sent and not registered here
  struct Arrival {
    std::chrono::system_clock::time_point sent, received;  // or the eta, if that is later
  };
  std::unordered_map<std::string, Arrival> arrivals;  // by task id

  // What tasks count and observe, by the metric's name.
  struct OwnCounter {
    CounterFamily* family;
    std::map<Labels, prometheus::Counter*> known;
  };
  struct OwnHistogram {
    HistogramFamily* family;
    std::map<Labels, prometheus::Histogram*> known;
  };
  std::map<std::string, OwnCounter> own_counters;
  std::map<std::string, OwnHistogram> own_histograms;

  bool may_add_metric(const std::string& name) const {
    return is_metric_name(name) && own_counters.size() + own_histograms.size() < kMaxOwnMetrics &&
           !own_counters.contains(name) && !own_histograms.contains(name) &&
           !name.starts_with("celery_task_");
  }
};

namespace {

PrometheusLabels prometheus_labels(const MetricsSink::Labels& labels) {
  return {labels.begin(), labels.end()};
}

bool are_label_names(const MetricsSink::Labels& labels) {
  return std::all_of(labels.begin(), labels.end(),
                     [](const auto& label) { return is_metric_name(label.first); });
}

}  // namespace

Metrics::Metrics(const std::string& nodename, std::string version, Now now,
                 IsRegistered is_registered)
    : now_(std::move(now)),
      is_registered_(std::move(is_registered)),
      hostname_(nodename.substr(nodename.find('@') + 1)),
      version_(std::move(version)),
      families_(std::make_unique<Families>()) {}

Metrics::~Metrics() = default;

Metrics::TaskSeries& Metrics::series_here(const protocol::TaskMessage& message,
                                          const protocol::DeliveryInfo& info) {
  return series(is_registered_(message.task) ? message.task : kUnregistered, info.queue);
}

Metrics::TaskSeries& Metrics::series(const std::string& task, const std::string& queue) {
  auto& all = families_->series;
  std::pair key{task, queue};
  if (const auto known = all.find(key); known != all.end()) return known->second;
  if (all.size() >= kMaxTaskSeries) {
    key = {kOther, kOther};
    if (const auto known = all.find(key); known != all.end()) return known->second;
  }
  const PrometheusLabels labels{
      {"name", key.first}, {"hostname", hostname_}, {"queue_name", key.second}};
  Families& f = *families_;
  TaskSeries made{labels,
                  f.sent.Add(labels),
                  f.received.Add(labels),
                  f.started.Add(labels),
                  f.succeeded.Add(labels),
                  f.rejected.Add(labels),
                  f.revoked.Add(labels),
                  f.retried.Add(labels),
                  f.runtime.Add(labels, kRuntimeBuckets),
                  f.queue_wait.Add(labels, kWaitBuckets),
                  f.slot_wait.Add(labels, kWaitBuckets),
                  {}};
  return all.emplace(std::move(key), std::move(made)).first->second;
}

void Metrics::forget_arrival(const protocol::TaskMessage& message) {
  families_->arrivals.erase(message.id);
}

void Metrics::forget_arrivals() {
  families_->arrivals.clear();
}

void Metrics::task_sent(const protocol::TaskMessage& message, const protocol::DeliveryInfo& info) {
  auto& foreign = families_->foreign;
  const bool named = is_registered_(message.task) || foreign.contains(message.task) ||
                     (foreign.size() < kMaxForeignTasks && foreign.insert(message.task).second);
  series(named ? message.task : kOther, info.queue).sent.Increment();
}

void Metrics::task_received(const protocol::TaskMessage& message,
                            const protocol::DeliveryInfo& info) {
  series_here(message, info).received.Increment();
  if (families_->arrivals.size() >= kMaxArrivals) return;
  Families::Arrival arrival{now_(), now_()};
  const auto unix_now = std::chrono::floor<std::chrono::seconds>(arrival.received);
  const std::uint64_t now_seconds = static_cast<std::uint64_t>(unix_now.time_since_epoch().count());
  if (const auto sent = message.properties.timestamp; sent && *sent < now_seconds) {
    arrival.sent = unix_now - std::chrono::seconds(now_seconds - *sent);
  }
  if (message.eta) {
    arrival.sent = std::max<decltype(arrival.sent)>(arrival.sent, *message.eta);
    arrival.received = std::max<decltype(arrival.sent)>(arrival.received, *message.eta);
  }
  families_->arrivals.insert_or_assign(message.id, arrival);
}

void Metrics::task_started(const protocol::TaskMessage& message,
                           const protocol::DeliveryInfo& info) {
  TaskSeries& counted = series_here(message, info);
  counted.started.Increment();
  const auto arrival = families_->arrivals.find(message.id);
  if (arrival == families_->arrivals.end()) return;
  const auto now = now_();
  const auto since = [now](std::chrono::system_clock::time_point moment) {
    return std::max(0.0, Seconds(now - moment).count());
  };
  counted.queue_wait.Observe(since(arrival->second.sent));
  counted.slot_wait.Observe(since(arrival->second.received));
  families_->arrivals.erase(arrival);
}

void Metrics::task_succeeded(const protocol::TaskMessage& message,
                             const protocol::DeliveryInfo& info, std::string_view,
                             Seconds runtime) {
  TaskSeries& counted = series_here(message, info);
  counted.succeeded.Increment();
  counted.runtime.Observe(runtime.count());
}

void Metrics::task_failed(const protocol::TaskMessage& message, const protocol::DeliveryInfo& info,
                          std::string_view exception_type, std::string_view, std::string_view) {
  forget_arrival(message);
  TaskSeries& counted = series_here(message, info);
  auto known = counted.failed.find(exception_type);
  if (known == counted.failed.end() && counted.failed.size() >= kMaxExceptions) {
    exception_type = kOther;
    known = counted.failed.find(exception_type);
  }
  if (known == counted.failed.end()) {
    PrometheusLabels labels = counted.labels;
    labels["exception"] = exception_type.empty() ? "UnknownException" : std::string(exception_type);
    known =
        counted.failed.emplace(std::string(exception_type), &families_->failed.Add(labels)).first;
  }
  known->second->Increment();
}

void Metrics::task_retried(const protocol::TaskMessage& message, const protocol::DeliveryInfo& info,
                           std::string_view, std::string_view) {
  series_here(message, info).retried.Increment();
}

void Metrics::task_revoked(const protocol::TaskMessage& message, const protocol::DeliveryInfo& info,
                           Revocation, std::optional<int>) {
  forget_arrival(message);
  series_here(message, info).revoked.Increment();
}

void Metrics::task_rejected(const protocol::TaskMessage& message,
                            const protocol::DeliveryInfo& info, bool) {
  forget_arrival(message);
  series_here(message, info).rejected.Increment();
}

void Metrics::count(const std::string& metric, const Labels& labels, double amount) {
  Families& f = *families_;
  auto own = f.own_counters.find(metric);
  if (own == f.own_counters.end() && f.may_add_metric(metric)) {
    own = f.own_counters
              .emplace(metric,
                       Families::OwnCounter{&counters(f.registry, metric, "Counted by tasks."), {}})
              .first;
  }
  if (own == f.own_counters.end() || amount < 0) return f.dropped_values.Increment();
  auto& known = own->second.known;
  auto counter = known.find(labels);
  if (counter == known.end()) {
    if (known.size() >= kMaxOwnSeries || !are_label_names(labels)) {
      return f.dropped_values.Increment();
    }
    counter = known.emplace(labels, &own->second.family->Add(prometheus_labels(labels))).first;
  }
  counter->second->Increment(amount);
}

void Metrics::observe(const std::string& metric, const Labels& labels, double value) {
  Families& f = *families_;
  auto own = f.own_histograms.find(metric);
  if (own == f.own_histograms.end() && f.may_add_metric(metric)) {
    own = f.own_histograms
              .emplace(
                  metric,
                  Families::OwnHistogram{&histograms(f.registry, metric, "Observed by tasks."), {}})
              .first;
  }
  if (own == f.own_histograms.end()) return f.dropped_values.Increment();
  auto& known = own->second.known;
  auto histogram = known.find(labels);
  if (histogram == known.end()) {
    if (known.size() >= kMaxOwnSeries || !are_label_names(labels)) {
      return f.dropped_values.Increment();
    }
    histogram =
        known.emplace(labels, &own->second.family->Add(prometheus_labels(labels), kCallBuckets))
            .first;
  }
  histogram->second->Observe(value);
}

std::string Metrics::scrape(const WorkerSample& sample) const {
  using prometheus::MetricType;
  const PrometheusLabels host{{"hostname", hostname_}};
  Samples samples;
  samples.gauge("celeriac_build_info", "1, with the version.", 1, {{"version", version_}});
  samples.gauge("celery_worker_up", "1.", 1, host);
  samples.gauge("celery_worker_tasks_active", "Tasks that run.", real(sample.active), host);
  Sampled workers("celery_active_worker_count", "Workers of the queue.", MetricType::Gauge);
  Sampled slots("celery_active_process_count", "Slots for tasks of the queue.", MetricType::Gauge);
  Sampled lengths("celery_queue_length", "Ready messages of the queue, as the broker says.",
                  MetricType::Gauge);
  Sampled consumers("celery_active_consumer_count", "Consumers of the queue, as the broker says.",
                    MetricType::Gauge);
  for (const std::string& queue : sample.queues) {
    workers.add(1, {{"queue_name", queue}});
    slots.add(real(sample.concurrency), {{"queue_name", queue}});
    const auto totals = sample.broker.queues.find(queue);
    if (totals == sample.broker.queues.end()) continue;
    lengths.add(real(totals->second.messages), {{"queue_name", queue}});
    consumers.add(real(totals->second.consumers), {{"queue_name", queue}});
  }
  for (const Sampled& family : {workers, slots, lengths, consumers}) samples.add(family);
  samples.add(
      Sampled("celeriac_tasks", "Tasks in this worker, by what they wait for.", MetricType::Gauge)
          .add(real(sample.active), {{"state", "active"}})
          .add(real(sample.reserved), {{"state", "reserved"}})
          .add(real(sample.scheduled), {{"state", "scheduled"}}));
  samples.gauge("celeriac_slots", "Tasks that may run at a time.", real(sample.concurrency));
  samples.gauge("celeriac_prefetch_messages", "Messages that may be here unacknowledged.",
                real(sample.prefetch_count));
  sample_broker(samples, sample.broker);
  samples.gauge("celeriac_results_waiting", "Results that wait to be stored.",
                real(sample.results_waiting));
  samples.add(Sampled("celeriac_result_writes_total", "Writes to the result backend, by outcome.",
                      MetricType::Counter)
                  .add(real(sample.results_stored), {{"outcome", "stored"}})
                  .add(real(sample.results_refused), {{"outcome", "refused"}}));
  samples.counter("celeriac_log_dropped_total", "Log lines dropped because Logstash was away.",
                  real(sample.log_lines_dropped));
  if (sample.process) sample_process(samples, *sample.process);
  auto families = families_->registry.Collect();
  for (auto& family : samples.take()) families.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace celeriac::worker
