#include "worker/execution/prefork/child.h"

#include <celeriac/error.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <utility>
#include <variant>

#include "protocol/json/utf8.h"
#include "worker/execution/prefork/frame.h"
#include "worker/execution/prefork/outcome.h"

namespace celeriac::worker::prefork {

namespace {

// Which run this is, and the run whose soft time limit has passed: SIGUSR1 from the parent
// carries its number. It may come before the run has begun here, or after it has ended.
volatile std::sig_atomic_t current_run = 0;
volatile std::sig_atomic_t stopped_run = -1;

// The parent is gone; nobody waits for what we do.
struct ParentGone {};

// Blocking, since a child does one thing at a time.
class ParentLink {
 public:
  explicit ParentLink(int descriptor) : descriptor_(descriptor) {}

  void send(const Json& document) {
    const std::string frame = encode_frame(document);
    for (std::size_t sent = 0; sent < frame.size();) {
      const ssize_t n = ::send(descriptor_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
      if (n >= 0) {
        sent += static_cast<std::size_t>(n);
      } else if (errno != EINTR) {
        throw ParentGone{};
      }
    }
  }

  Json receive() {
    for (;;) {
      if (auto document = reader_.next()) return std::move(*document);
      char bytes[65536];
      const ssize_t n = ::recv(descriptor_, bytes, sizeof bytes, 0);
      if (n > 0) {
        reader_.feed({bytes, static_cast<std::size_t>(n)});
      } else if (n == 0 || errno != EINTR) {
        throw ParentGone{};
      }
    }
  }

  // Sends a question and waits for its answer.
  Json ask(const Json& question) {
    send(question);
    const Json answer = receive();
    if (const std::string* error = answer["error"].as_string()) throw Error(*error);
    return answer["value"];
  }

 private:
  int descriptor_;
  FrameReader reader_;
};

class ChildLogger final : public TaskLogger {
 public:
  explicit ChildLogger(ParentLink& parent) : parent_(parent) {}
  void debug(std::string text) override { write("DEBUG", std::move(text)); }
  void info(std::string text) override { write("INFO", std::move(text)); }
  void warning(std::string text) override { write("WARNING", std::move(text)); }
  void error(std::string text) override { write("ERROR", std::move(text)); }

 private:
  void write(const char* level, std::string text) {
    parent_.send(Json::object(
        {{"type", "log"}, {"level", level}, {"text", protocol::escape_invalid_utf8(text)}}));
  }
  ParentLink& parent_;
};

class ChildContext final : public BlockingContext {
 public:
  ChildContext(ParentLink& parent, Request request)
      : parent_(parent), log_(parent), request_(std::move(request)) {}

  const Request& request() const override { return request_; }
  TaskLogger& log() override { return log_; }
  bool stop_requested() const override { return stopped_run == current_run; }
  void update_state(std::string state, Json meta) override {
    parent_.ask(
        Json::object({{"type", "state"}, {"state", std::move(state)}, {"meta", std::move(meta)}}));
  }
  SentTask send(Signature signature) override {
    const Json answer =
        parent_.ask(Json::object({{"type", "send"}, {"signature", signature.to_json()}}));
    return {answer["id"].string_or(""), answer["result"]};
  }
  void add_to_chord(Signature signature) override {
    parent_.ask(Json::object({{"type", "add_to_chord"}, {"signature", signature.to_json()}}));
  }

 private:
  ParentLink& parent_;
  ChildLogger log_;
  Request request_;
};

// The most that this process had in memory at once, as billiard measures it; but not by
// getrusage, whose figure begins with that of the worker that started us.
std::int64_t peak_resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string name; status >> name;) {
    std::int64_t kib = 0;
    if (name == "VmHWM:" && status >> kib) return kib;
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

JsonObject run_function(ParentLink& parent, const Registry& registry, Json job) {
  const std::string name = job["task"].string_or("");
  const TaskDefinition* definition = registry.find(name);
  const auto* function =
      definition ? std::get_if<TaskDefinition::Function>(&definition->body) : nullptr;
  if (!function) {
    // The parent has it, or it would not have asked.
    throw Error("pool process: no plain function is registered as '" + name +
                "'; register the same tasks every time the program starts");
  }
  Request request = request_from_json(job["request"]);
  request.args = std::move(*job.as_object()->find("args")->as_array());
  request.kwargs = std::move(*job.as_object()->find("kwargs")->as_object());
  Json::Array args = request.args;
  JsonObject kwargs = request.kwargs;
  ChildContext context(parent, std::move(request));
  return value_outcome((*function)(context, std::move(args), std::move(kwargs)));
}

void report(ParentLink& parent, JsonObject outcome) {
  outcome.set("rss", peak_resident_kib());
  try {
    parent.send(Json(std::move(outcome)));
  } catch (const Error&) {  // too large, or no UTF-8: nothing of it has been sent
    JsonObject failed = thrown_outcome(std::current_exception());
    failed.set("rss", peak_resident_kib());
    parent.send(Json(std::move(failed)));
  }
}

void serve(ParentLink& parent, const Registry& registry) {
  parent.send(Json::object({{"type", "ready"}}));
  for (;;) {
    Json job = parent.receive();
    current_run = static_cast<std::sig_atomic_t>(job["number"].as_int().value_or(0));
    JsonObject outcome;
    try {
      outcome = run_function(parent, registry, std::move(job));
    } catch (const ParentGone&) {
      throw;
    } catch (...) {
      outcome = thrown_outcome(std::current_exception());
    }
    report(parent, std::move(outcome));
  }
}

void set_signals() {
  // Ctrl+C reaches the whole group of a terminal; the parent decides what it means.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGQUIT, SIG_IGN);
  std::signal(SIGTERM, SIG_DFL);
  struct sigaction soft {};
  soft.sa_sigaction = [](int, siginfo_t* info, void*) { stopped_run = info->si_value.sival_int; };
  soft.sa_flags = SA_RESTART | SA_SIGINFO;
  sigaction(SIGUSR1, &soft, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

std::optional<int> child_descriptor() {
  const char* text = std::getenv(kChildVariable);
  if (!text) return std::nullopt;
  int descriptor = -1;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), descriptor);
  if (error != std::errc() || *end != '\0' || fcntl(descriptor, F_GETFD) == -1) {
    throw ConfigError(std::string(kChildVariable) +
                      " is set by a worker for its pool processes alone; unset it");
  }
  return descriptor;
}

int run_child(int descriptor, const Registry& registry) {
  // What the task starts must not take itself for a pool child.
  unsetenv(kChildVariable);
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  set_signals();
  // Never outlive a worker that was killed.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ParentLink parent(descriptor);
  try {
    serve(parent, registry);
  } catch (const ParentGone&) {
    // The ordinary end: the worker has closed its side.
  }
  return 0;
}

}  // namespace celeriac::worker::prefork
