// Runs one task as a function call, for its unit tests: no broker, no server, no waiting.
//
//   celeriac::Registry registry;
//   celeriac_register_tasks(registry);  // what CELERIAC_MODULE made
//   celeriac::fake::Context ctx;
//   ctx.web.answer = [](const celeriac::HttpRequest&) {
//     return celeriac::HttpResponse{200, {}, "hello"};
//   };
//   celeriac::Json page = celeriac::fake::call(registry, "tasks.page", ctx, {"http://x/"});
//
// What a task throws (Retry, TaskError, ArgumentError …) is thrown to the test. Everything is
// answered at once, so a task that would wait for the loop itself is a std::logic_error.
#pragma once

#include <celeriac/context.h>
#include <celeriac/error.h>
#include <celeriac/registry.h>

#include <chrono>
#include <coroutine>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace celeriac::fake {

// Every request is asked of `answer`, which may throw as the real client does.
class Http final : public HttpClient {
 public:
  std::function<HttpResponse(const HttpRequest&)> answer = [](const HttpRequest& request) {
    throw HttpError(0, "no answer is planned for " + request.method + " " + request.url);
    return HttpResponse();
  };
  std::vector<HttpRequest> requests;

 protected:
  Async<HttpResponse> perform(HttpRequest request) override {
    requests.push_back(request);
    co_return answer(request);
  }
};

// Every command is asked of `answer`, those of a transaction one by one; a script is
// {"EVAL", text, keys and arguments…}. Nil unless planned.
class Redis final : public RedisClient {
 public:
  using Command = std::vector<std::string>;
  std::function<RedisReply(const Command&)> answer = [](const Command&) { return RedisReply(); };
  std::vector<Command> commands;

 protected:
  Async<RedisReply> perform(Command command, Repeat) override { co_return ask(command); }
  Async<std::vector<RedisReply>> perform_transaction(std::vector<Command> all, Repeat) override {
    std::vector<RedisReply> replies;
    for (const Command& command : all) replies.push_back(ask(command));
    co_return replies;
  }
  Async<RedisReply> perform_script(std::string script, std::vector<std::string> keys,
                                   std::vector<std::string> arguments, Repeat) override {
    Command command{"EVAL", std::move(script)};
    command.insert(command.end(), keys.begin(), keys.end());
    command.insert(command.end(), arguments.begin(), arguments.end());
    co_return ask(command);
  }

 private:
  RedisReply ask(const Command& command) {
    commands.push_back(command);
    return answer(command);
  }
};

class Logger final : public TaskLogger {
 public:
  std::vector<std::string> lines;  // "warning: what was said"
  void debug(std::string text) override { lines.push_back("debug: " + std::move(text)); }
  void info(std::string text) override { lines.push_back("info: " + std::move(text)); }
  void warning(std::string text) override { lines.push_back("warning: " + std::move(text)); }
  void error(std::string text) override { lines.push_back("error: " + std::move(text)); }
};

// What a task did to its surroundings, and what it is told of them.
struct Surroundings {
  Request mine;  // what the task sees as its request
  Logger lines;
  std::vector<Signature> sent;
  std::vector<std::pair<std::string, Json>> states;  // of update_state

  SentTask publish(Signature signature) {
    sent.push_back(std::move(signature));
    SentTask task;
    task.id = "sent-" + std::to_string(sent.size());
    return task;
  }
};

// For coroutine tasks. The clock stands still, and moves when the task sleeps.
class Context : public celeriac::Context, public Surroundings {
 public:
  Http web;
  Redis store;
  std::map<std::string, Json> results;     // for wait_result, by id: "sent-1" is the first sent
  std::map<std::string, double> counters;  // "name{value,value}"; of observe: how often
  std::chrono::system_clock::time_point clock{};
  std::function<void()> on_sleep = [] {};  // may throw, as SoftTimeLimitExceeded

  const Request& request() const override { return mine; }
  TaskLogger& log() override { return lines; }
  HttpClient& http() override { return web; }
  RedisClient& redis(const std::string&) override { return store; }
  Async<void> sleep(std::chrono::duration<double> duration) override {
    clock += std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
    on_sleep();
    co_return;
  }
  Async<void> update_state(std::string state, Json meta) override {
    states.emplace_back(std::move(state), std::move(meta));
    co_return;
  }
  Async<SentTask> send(Signature signature) override { co_return publish(std::move(signature)); }
  Async<Json> wait_result(std::string task_id, std::chrono::duration<double>) override {
    const auto known = results.find(task_id);
    if (known == results.end()) throw Timeout("no result is planned for " + task_id);
    co_return known->second;
  }
  Async<void> add_to_chord(Signature signature) override {
    publish(std::move(signature));
    co_return;
  }
  std::chrono::system_clock::time_point now() const override { return clock; }
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

// For plain functions.
class BlockingContext final : public celeriac::BlockingContext, public Surroundings {
 public:
  bool stop = false;

  const Request& request() const override { return mine; }
  TaskLogger& log() override { return lines; }
  bool stop_requested() const override { return stop; }
  void update_state(std::string state, Json meta) override {
    states.emplace_back(std::move(state), std::move(meta));
  }
  SentTask send(Signature signature) override { return publish(std::move(signature)); }
  void add_to_chord(Signature signature) override { publish(std::move(signature)); }
};

namespace detail {

// A coroutine that nobody awaits and that has to end by itself.
class Now {
 public:
  struct promise_type {
    Interruption* interruption() const noexcept { return nullptr; }
    Now get_return_object() { return Now(Frame::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }
    std::exception_ptr error;
  };
  using Frame = std::coroutine_handle<promise_type>;

  explicit Now(Frame frame) : frame_(frame) {}
  Now(const Now&) = delete;
  Now& operator=(const Now&) = delete;
  ~Now() { frame_.destroy(); }

  void finish() const {
    if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
    if (!frame_.done()) throw std::logic_error("the coroutine waits for something");
  }

 private:
  Frame frame_;
};

template <class T>
Now run_into(Async<T> work, std::optional<T>* result) {
  result->emplace(co_await std::move(work));
}
inline Now run_to_end(Async<void> work) {
  co_await std::move(work);
}

inline const TaskDefinition& find(const Registry& registry, const std::string& task) {
  const TaskDefinition* found = registry.find(task);
  if (!found) throw std::logic_error("no task '" + task + "' is registered");
  return *found;
}

}  // namespace detail

// What the coroutine returned; throws what it threw.
template <class T>
T run(Async<T> work) {
  std::optional<T> result;
  detail::run_into(std::move(work), &result).finish();
  return std::move(*result);
}
inline void run(Async<void> work) {
  detail::run_to_end(std::move(work)).finish();
}

// Calls a task as a message would: arguments bound, result as JSON. A wrong kind of context for
// the task is a std::bad_variant_access.
inline Json call(const Registry& registry, const std::string& task, celeriac::Context& context,
                 Json::Array args = {}, JsonObject kwargs = {}) {
  const auto& body = std::get<TaskDefinition::Coroutine>(detail::find(registry, task).body);
  return run(body(context, std::move(args), std::move(kwargs)));
}
inline Json call(const Registry& registry, const std::string& task,
                 celeriac::BlockingContext& context, Json::Array args = {},
                 JsonObject kwargs = {}) {
  const auto& body = std::get<TaskDefinition::Function>(detail::find(registry, task).body);
  return body(context, std::move(args), std::move(kwargs));
}

}  // namespace celeriac::fake
