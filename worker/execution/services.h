// What running a task needs of the rest of the worker. All of it outlives every run.
#pragma once

#include <celeriac/http.h>
#include <celeriac/redis.h>
#include <celeriac/registry.h>

#include <random>
#include <string>
#include <vector>

#include "worker/backend/result_backend.h"
#include "worker/backend/settings.h"
#include "worker/consumer/queues.h"
#include "worker/consumer/settings.h"
#include "worker/execution/observer.h"
#include "worker/execution/pool.h"
#include "worker/execution/publisher.h"
#include "worker/loop/loop.h"
#include "worker/loop/thread_pool.h"

namespace celeriac::worker {

// The Redis at a URL, and counters for the metrics endpoint.
class RedisClients {
 public:
  virtual ~RedisClients() = default;
  // Throws ConfigError if the URL is wrong, or empty and there is no result backend in Redis.
  virtual RedisClient& at(const std::string& url) = 0;
};

class MetricsSink {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  virtual ~MetricsSink() = default;
  virtual void count(const std::string& metric, const Labels& labels, double amount) = 0;
  virtual void observe(const std::string& metric, const Labels& labels, double value) = 0;
};

struct Services {
  Loop& loop;
  Broker& broker;
  ResultBackend& backend;
  Publisher& publisher;
  const Queues& queues;
  const Registry& registry;
  HttpClient& http;
  RedisClients& redis;
  Pool& pool;
  ThreadPool& threads;  // for what a coroutine offloads
  const ResultSettings& results;
  const PublishSettings& publish;
  std::vector<TaskObserver*> observers;
  MetricsSink* metrics = nullptr;
  std::string nodename;
  std::string origin;  // gen<pid>@<host>
  int pid = 0;
  std::mt19937_64 random{std::random_device{}()};
};

}  // namespace celeriac::worker
