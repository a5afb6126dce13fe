// A task's surroundings without a world: planned answers, recorded requests, a clock that moves
// when somebody sleeps.
#pragma once

#include <celeriac/context.h>
#include <celeriac/error.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tasks/alerts/timestamp.h"

namespace celeriac::alerts {

class FakeHttp : public HttpClient {
 public:
  using Answer = std::function<HttpResponse(const HttpRequest&)>;
  Answer answer;
  std::vector<HttpRequest> requests;

 protected:
  Async<HttpResponse> perform(HttpRequest request) override {
    requests.push_back(request);
    co_return answer(request);
  }
};

// Redis as it is while it is away.
class AbsentRedis : public RedisClient {
 protected:
  Async<RedisReply> perform(std::vector<std::string>, Repeat) override { co_return refuse(); }
  Async<std::vector<RedisReply>> perform_transaction(std::vector<std::vector<std::string>>,
                                                     Repeat) override {
    refuse();
    co_return {};
  }
  Async<RedisReply> perform_script(std::string, std::vector<std::string>, std::vector<std::string>,
                                   Repeat) override {
    co_return refuse();
  }

 private:
  static RedisReply refuse() { throw Timeout("Redis at 127.0.0.1:6379 did not answer in time"); }
};

class FakeLog : public TaskLogger {
 public:
  std::vector<std::string> lines;
  void debug(std::string text) override { lines.push_back("debug: " + std::move(text)); }
  void info(std::string text) override { lines.push_back("info: " + std::move(text)); }
  void warning(std::string text) override { lines.push_back("warning: " + std::move(text)); }
  void error(std::string text) override { lines.push_back("error: " + std::move(text)); }
};

class FakeContext : public Context {
 public:
  Request mine;
  FakeHttp web;
  AbsentRedis absent_redis;
  FakeLog lines;
  Time clock = *parse_time("2026-01-02T03:04:05Z");
  std::vector<Signature> sent;
  std::map<std::string, double> counters;  // "name{value,value}"
  std::function<void()> on_sleep = [] {};

  FakeContext() { mine.id = "task-1"; }

  const Request& request() const override { return mine; }
  TaskLogger& log() override { return lines; }
  HttpClient& http() override { return web; }
  RedisClient& redis(const std::string&) override { return absent_redis; }
  Async<void> sleep(std::chrono::duration<double> duration) override {
    clock += std::chrono::duration_cast<Time::duration>(duration);
    on_sleep();
    co_return;
  }
  Async<void> update_state(std::string, Json) override { co_return; }
  Async<SentTask> send(Signature signature) override {
    sent.push_back(std::move(signature));
    SentTask task;
    task.id = "sent-" + std::to_string(sent.size());
    co_return task;
  }
  Async<Json> wait_result(std::string, std::chrono::duration<double>) override { co_return Json(); }
  Async<void> add_to_chord(Signature) override { co_return; }
  Time now() const override { return clock; }
  void count(const std::string& metric, const Labels& labels, double amount) override {
    counters[series(metric, labels)] += amount;
  }
  void observe(const std::string& metric, const Labels& labels, double) override {
    counters[series(metric, labels)] += 1;
  }

 protected:
  Async<void> run_on_pool(std::function<void()> job) override {
    job();
    co_return;
  }

 private:
  static std::string series(const std::string& metric, const Labels& labels) {
    std::string name = metric + "{";
    for (const auto& [label, value] : labels) name += (name.back() == '{' ? "" : ",") + value;
    return name + "}";
  }
};

}  // namespace celeriac::alerts
