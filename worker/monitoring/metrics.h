// Counts what becomes of tasks and shows it, beside the worker's state, as Prometheus reads it.
//
// The names of tasks are celery-exporter's, so that dashboards made for it work. Label sets are
// bounded: task names and queues are the worker's own, and what a task makes up itself stops
// growing at a limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/broker/broker.h"
#include "worker/execution/observer.h"
#include "worker/execution/services.h"
#include "worker/monitoring/process_usage.h"

namespace celeriac::worker {

// The worker's state at the moment of a scrape.
struct WorkerSample {
  BrokerStatus broker;
  std::size_t active = 0, reserved = 0, scheduled = 0;  // tasks
  std::uint32_t prefetch_count = 0;
  std::size_t concurrency = 0;
  std::vector<std::string> queues;  // consumed
  std::size_t results_waiting = 0;  // to be stored
  std::uint64_t results_stored = 0, results_refused = 0;
  std::uint64_t log_lines_dropped = 0;
  std::optional<ProcessUsage> process;
};

// Loop thread only.
class Metrics final : public TaskObserver, public MetricsSink {
 public:
  using Now = std::function<std::chrono::system_clock::time_point()>;
  using IsRegistered = std::function<bool(std::string_view task)>;

  Metrics(const std::string& nodename, std::string version, Now now, IsRegistered is_registered);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics() override;

  void task_sent(const protocol::TaskMessage&, const protocol::DeliveryInfo&) override;
  void task_received(const protocol::TaskMessage&, const protocol::DeliveryInfo&) override;
  void task_started(const protocol::TaskMessage&, const protocol::DeliveryInfo&) override;
  void task_succeeded(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                      std::string_view result_repr, Seconds runtime) override;
  void task_failed(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                   std::string_view exception_type, std::string_view exception_repr,
                   std::string_view traceback) override;
  void task_retried(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                    std::string_view exception_repr, std::string_view traceback) override;
  void task_revoked(const protocol::TaskMessage&, const protocol::DeliveryInfo&, Revocation,
                    std::optional<int> signal) override;
  void task_rejected(const protocol::TaskMessage&, const protocol::DeliveryInfo&,
                     bool requeue) override;

  // What had arrived and has not begun comes again, here or elsewhere.
  void forget_arrivals();

  // What tasks count themselves. A metric with a name that Prometheus does not take, or of which
  // there are too many series already, is counted in celeriac_metrics_dropped_total.
  void count(const std::string& metric, const Labels& labels, double amount) override;
  void observe(const std::string& metric, const Labels& labels, double value) override;

  // The exposition in Prometheus' text format 0.0.4.
  std::string scrape(const WorkerSample& sample) const;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  static constexpr std::size_t kMaxTaskSeries = 2000;   // pairs of task and queue
  static constexpr std::size_t kMaxForeignTasks = 100;  // names of tasks sent to other workers
  static constexpr std::size_t kMaxExceptions = 50;     // of one such pair
  static constexpr std::size_t kMaxOwnSeries = 1000;    // of one metric that tasks count
  static constexpr std::size_t kMaxOwnMetrics = 200;

 private:
  struct Families;
  struct TaskSeries;

  TaskSeries& series(const std::string& task, const std::string& queue);
  TaskSeries& series_here(const protocol::TaskMessage& message, const protocol::DeliveryInfo& info);
  void forget_arrival(const protocol::TaskMessage& message);

  Now now_;
  IsRegistered is_registered_;
  std::string hostname_, version_;
  std::unique_ptr<Families> families_;
};

}  // namespace celeriac::worker
