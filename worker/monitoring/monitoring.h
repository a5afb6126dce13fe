// What operators' machines ask a worker: is it alive, is it ready, how does it do. Over HTTP,
// where --http asks for it, and to systemd, where that has started it.
#pragma once

#include <celeriac/config_reader.h>
#include <celeriac/json.h>

#include <functional>
#include <memory>
#include <string>

#include "worker/loop/loop.h"
#include "worker/loop/timer.h"
#include "worker/monitoring/http_server.h"
#include "worker/monitoring/metrics.h"
#include "worker/monitoring/settings.h"
#include "worker/monitoring/systemd.h"

namespace celeriac::worker {

struct MonitoringParts {
  Loop& loop;
  std::string nodename;
  std::string version;
  // The worker's state, taken at each request.
  std::function<WorkerSample()> sample;
  // Asks the broker for the totals of the queues; they are in a later sample.
  std::function<void()> count_queues;
  Metrics::Now now;
  Metrics::IsRegistered is_registered;
  ConfigEnvironment environment;
};

// Loop thread only; the loop must outlive it.
class Monitoring {
 public:
  // Throws ConfigError if the address cannot be listened on.
  Monitoring(const MonitoringSettings& settings, MonitoringParts parts);

  // Who is told what becomes of tasks and what they count.
  Metrics& metrics() { return metrics_; }

  // The worker is about to connect: says in the log where it is listened.
  void on_starting();
  // The consumers run; the first time it is the end of the start.
  void on_consuming();
  void on_connection_lost(const std::string& reason);
  // A warm shutdown has begun.
  void on_stopping();

 private:
  HttpResponse answer(const HttpRequest& request);
  void count_queues();

  MonitoringParts parts_;
  Metrics metrics_;
  SystemdNotifier systemd_;
  bool stopping_ = false;
  Clock::time_point last_scrape_;
  Timer counting_;
  std::unique_ptr<HttpServer> server_;
};

// What each path answers. /livez and /healthz: the loop turns, whatever the broker does. /readyz:
// 200 while it consumes, else 503 with the reason.
enum class Stopping { no, yes };
HttpResponse answer_probe(const std::string& path, const WorkerSample& sample, Stopping stopping);

// /status.
Json status_json(const std::string& nodename, const std::string& version,
                 const WorkerSample& sample, Stopping stopping);

}  // namespace celeriac::worker
