#include "worker/monitoring/monitoring.h"

#include "worker/log/log.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

// How old the totals of queues may be in a scrape, and for how long they are asked for when
// nobody scrapes any more.
constexpr auto kCountInterval = 5s;
constexpr auto kCountAfterScrape = 2min;

HttpResponse text(int status, const std::string& line) {
  HttpResponse response;
  response.status = status;
  response.body = line + "\n";
  return response;
}

HttpResponse readiness(const WorkerSample& sample, Stopping stopping) {
  if (stopping == Stopping::yes) return text(503, "stopping");
  if (!sample.broker.connected) return text(503, "no connection to " + sample.broker.url);
  if (!sample.broker.consuming) return text(503, "connected, not consuming yet");
  return text(200, "ok");
}

}  // namespace

HttpResponse answer_probe(const std::string& path, const WorkerSample& sample, Stopping stopping) {
  if (path == "/livez" || path == "/healthz") return text(200, "ok");
  if (path == "/readyz") return readiness(sample, stopping);
  return text(404, "not found; there are /metrics, /livez, /healthz, /readyz and /status");
}

Json status_json(const std::string& nodename, const std::string& version,
                 const WorkerSample& sample, Stopping stopping) {
  const BrokerStatus& broker = sample.broker;
  Json::Array queues;
  for (const std::string& queue : sample.queues) queues.push_back(queue);
  JsonObject object{{"nodename", nodename},
                    {"version", version},
                    {"stopping", stopping == Stopping::yes},
                    {"broker", Json::object({{"url", broker.url},
                                             {"connected", broker.connected},
                                             {"consuming", broker.consuming},
                                             {"publisher_connected", broker.publisher_connected},
                                             {"blocked", broker.publisher_blocked},
                                             {"reconnects", broker.reconnects},
                                             {"deliveries", broker.deliveries},
                                             {"acks", broker.acks},
                                             {"rejects", broker.rejects},
                                             {"requeues", broker.requeues},
                                             {"outbox_messages", broker.outbox_messages},
                                             {"outbox_bytes", broker.outbox_bytes}})},
                    {"queues", std::move(queues)},
                    {"tasks", Json::object({{"active", sample.active},
                                            {"reserved", sample.reserved},
                                            {"scheduled", sample.scheduled}})},
                    {"concurrency", sample.concurrency},
                    {"prefetch_count", sample.prefetch_count}};
  if (sample.process) {
    object.set("process", Json::object({{"cpu_seconds", sample.process->cpu_seconds},
                                        {"resident_bytes", sample.process->resident_bytes},
                                        {"open_files", sample.process->open_files},
                                        {"start_time", sample.process->start_time_seconds}}));
  }
  return object;
}

Monitoring::Monitoring(const MonitoringSettings& settings, MonitoringParts parts)
    : parts_(std::move(parts)),
      metrics_(parts_.nodename, parts_.version, parts_.now, parts_.is_registered),
      systemd_(parts_.loop, parts_.environment),
      last_scrape_(parts_.loop.now()),
      counting_(parts_.loop, [this] { count_queues(); }) {
  if (settings.http.empty()) return;
  server_ = std::make_unique<HttpServer>(
      parts_.loop, settings.http, [this](const HttpRequest& request) { return answer(request); });
  counting_.start_repeating(kCountInterval);
}

void Monitoring::on_starting() {
  if (!server_) return;
  log::write(log::Level::info, "celeriac",
             "metrics and health on port " + std::to_string(server_->port()));
}

HttpResponse Monitoring::answer(const HttpRequest& request) {
  const Stopping stopping = stopping_ ? Stopping::yes : Stopping::no;
  const WorkerSample sample = parts_.sample();
  HttpResponse response;
  if (request.path == "/metrics") {
    last_scrape_ = parts_.loop.now();
    response.content_type = Metrics::kContentType;
    response.body = metrics_.scrape(sample);
  } else if (request.path == "/status") {
    response.content_type = "application/json";
    response.body =
        dump_json(status_json(parts_.nodename, parts_.version, sample, stopping)) + "\n";
  } else {
    response = answer_probe(request.path, sample, stopping);
  }
  return response;
}

void Monitoring::count_queues() {
  if (parts_.loop.now() - last_scrape_ < kCountAfterScrape) parts_.count_queues();
}

void Monitoring::on_consuming() {
  systemd_.ready();
  systemd_.status("Consuming");
  if (server_) count_queues();
}

void Monitoring::on_connection_lost(const std::string& reason) {
  systemd_.status("No connection to the broker: " + reason);
  metrics_.forget_arrivals();
}

void Monitoring::on_stopping() {
  stopping_ = true;
  systemd_.stopping();
}

}  // namespace celeriac::worker
