// One worker: everything between the broker and the tasks, put together.
#pragma once

#include <celeriac/registry.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "worker/backend/settings.h"
#include "worker/broker/settings.h"
#include "worker/consumer/settings.h"
#include "worker/execution/settings.h"
#include "worker/monitoring/settings.h"
#include "worker/remote/settings.h"

namespace celeriac::worker {

// What the core of a worker is told; a component gets its own part, never the whole.
struct WorkerSettings {
  std::string nodename;  // celery@host
  BrokerSettings broker;
  QueueSettings queues;
  PublishSettings publish;
  ConsumerSettings consumer;
  PoolSettings pool;
  TaskSettings tasks;
  ResultSettings results;
  RemoteSettings remote;
  MonitoringSettings monitoring;
  // The settings by Celery's names, for `inspect conf` and `report`; without secrets.
  std::function<JsonObject()> describe;
  std::string state_db;  // --statedb: where revoked ids survive a restart; empty: nowhere
  bool purge = false;    // --purge: delete the ready messages of its queues first
  // How long the broker and the backend may take to take what is left at the end.
  std::chrono::seconds shutdown_flush{5};
};

class Worker {
 public:
  // Throws ConfigError for what it cannot honour. The built-in tasks are added to a copy of the
  // registry.
  Worker(WorkerSettings settings, const Registry& registry);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // Runs until a signal ends it (TERM: warm; INT: warm, again: cold; QUIT: cold) and returns the
  // exit code of Celery's worker in that case. Once.
  int run();

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace celeriac::worker
