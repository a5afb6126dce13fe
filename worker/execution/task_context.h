// What a running task gets of the worker: the bodies behind <celeriac/context.h>.
#pragma once

#include <celeriac/context.h>

#include <memory>
#include <optional>
#include <string>

#include "worker/execution/run.h"
#include "worker/execution/services.h"
#include "worker/execution/traced_http.h"
#include "worker/log/settings.h"

namespace celeriac::worker {

// Celery's task.request.
Request make_request(const protocol::TaskMessage& message,
                     const protocol::DeliveryInfo& delivery_info, const std::string& nodename);

class MarkedLogger final : public TaskLogger {
 public:
  explicit MarkedLogger(const TaskRequest& request) : request_(request) {}
  void debug(std::string text) override;
  void info(std::string text) override;
  void warning(std::string text) override;
  void error(std::string text) override;

 private:
  void write(log::Level level, const std::string& text);
  const TaskRequest& request_;
};

// Of a coroutine task. Both arguments must outlive it. Loop thread only.
class TaskContext final : public Context {
 public:
  TaskContext(Services& services, Run& run);

  const Request& request() const override;
  TaskLogger& log() override { return logger_; }
  HttpClient& http() override;
  RedisClient& redis(const std::string& url) override { return services_.redis.at(url); }
  Async<void> sleep(std::chrono::duration<double> duration) override;
  Async<void> update_state(std::string state, Json meta) override;
  Async<SentTask> send(Signature signature) override;
  Async<Json> wait_result(std::string task_id, std::chrono::duration<double> timeout) override;
  Async<void> add_to_chord(Signature signature) override;
  // Runs another registered task here and now, as a plain call (celery.map).
  Async<Json> call(std::string task, Json::Array args);
  // See ChordEnd::unlock.
  Async<void> unlock_chord(std::string group_id, Json body, Json::Array header, RetryOptions again);
  std::chrono::system_clock::time_point now() const override;
  void count(const std::string& metric, const Labels& labels, double amount) override;
  void observe(const std::string& metric, const Labels& labels, double value) override;

 protected:
  Async<void> run_on_pool(std::function<void()> job) override;

 private:
  Services& services_;
  Run& run_;
  MarkedLogger logger_;
  // Made when they are asked for.
  mutable std::unique_ptr<Request> request_;
  std::optional<TracedHttp> http_;
};

}  // namespace celeriac::worker
