#include "worker/clients/redis_client.h"

#include <openssl/evp.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <random>
#include <utility>

#include "worker/log/log.h"

namespace celeriac::worker {
namespace {

constexpr const char* kLogger = "celeriac.redis";

// The name under which Redis knows a script.
std::string sha1(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return out;
}

RedisReply value_of(const std::string& name, RedisAnswer answer) {
  if (const auto* error = std::get_if<RedisError>(&answer)) {
    throw RedisError(name + ": " + error->what());
  }
  return std::get<RedisReply>(std::move(answer));
}

std::vector<std::string> script_command(std::string name, std::string script,
                                        const std::vector<std::string>& keys,
                                        const std::vector<std::string>& arguments) {
  std::vector<std::string> words{std::move(name), std::move(script), std::to_string(keys.size())};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace

// One await: a command, or the commands of a transaction.
struct HiredisClient::Operation final : RedisConnection::Receiver {
  Operation(HiredisClient& owner, std::string title, std::vector<std::string> commands,
            Repeat again)
      : client(owner),
        name(std::move(title)),
        encoded(std::move(commands)),
        repeat(again),
        deadline(owner.loop_.now() + owner.settings_.command_timeout),
        done(owner.loop_) {
    for (const std::string& command : encoded) bytes += command.size();
  }

  void on_answer(RedisAnswer answer) override {
    answers.push_back(std::move(answer));
    if (answers.size() == encoded.size()) client.answered(*this);
  }

  HiredisClient& client;
  std::string name;
  std::vector<std::string> encoded;
  Repeat repeat;
  Clock::time_point deadline;
  std::size_t bytes = 0;
  bool is_sent = false;
  Answers answers;
  Completion<Answers> done;
  std::list<Operation>::iterator place;
};

HiredisClient::HiredisClient(Loop& loop, RedisAddress address, RedisClientSettings settings)
    : loop_(loop),
      address_(std::move(address)),
      settings_(settings),
      timer_(loop, [this] { on_time(); }),
      tasks_(loop, [this](std::exception_ptr error) {
        connecting_ = false;
        fail_waiting(std::move(error));
      }) {}

HiredisClient::~HiredisClient() = default;

Async<RedisReply> HiredisClient::perform(std::vector<std::string> arguments, Repeat repeat) {
  if (arguments.empty()) throw RedisError("an empty Redis command");
  std::string name = arguments.front();
  std::vector<std::string> encoded(1, encode_redis_command(arguments));
  Pending<Answers> pending = begin(name, std::move(encoded), repeat);
  Answers answers = co_await std::move(pending);
  co_return value_of(name, std::move(answers.front()));
}

Async<std::vector<RedisReply>> HiredisClient::perform_transaction(
    std::vector<std::vector<std::string>> commands, Repeat repeat) {
  std::vector<std::string> encoded;
  encoded.push_back(encode_redis_command(std::vector<std::string>(1, "MULTI")));
  for (const auto& command : commands) encoded.push_back(encode_redis_command(command));
  encoded.push_back(encode_redis_command(std::vector<std::string>(1, "EXEC")));
  Pending<Answers> pending = begin("MULTI", std::move(encoded), repeat);
  Answers answers = co_await std::move(pending);
  // A command that was not queued explains more than the EXECABORT that it causes.
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const bool is_command = i > 0 && i <= commands.size();
    value_of(is_command ? commands[i - 1].front() : "MULTI", answers[i]);
  }
  co_return std::get<RedisReply>(answers.back()).array();
}

Async<RedisReply> HiredisClient::perform_script(std::string script, std::vector<std::string> keys,
                                                std::vector<std::string> arguments, Repeat repeat) {
  std::vector<std::string> short_form(
      1, encode_redis_command(script_command("EVALSHA", sha1(script), keys, arguments)));
  Pending<Answers> known = begin("EVALSHA", std::move(short_form), repeat);
  Answers answers = co_await std::move(known);
  const auto* error = std::get_if<RedisError>(&answers.front());
  if (!error || !std::string_view(error->what()).starts_with("NOSCRIPT")) {
    co_return value_of("EVALSHA", std::move(answers.front()));
  }
  std::vector<std::string> long_form(
      1, encode_redis_command(script_command("EVAL", std::move(script), keys, arguments)));
  Pending<Answers> unknown = begin("EVAL", std::move(long_form), repeat);
  answers = co_await std::move(unknown);
  co_return value_of("EVAL", std::move(answers.front()));
}

Pending<HiredisClient::Answers> HiredisClient::begin(std::string name,
                                                     std::vector<std::string> encoded,
                                                     Repeat repeat) {
  Operation& operation = waiting_.emplace_back(*this, std::move(name), std::move(encoded), repeat);
  operation.place = std::prev(waiting_.end());
  waiting_bytes_ += operation.bytes;
  if (connected()) {
    send(operation.place);
  } else if (waiting_.size() > settings_.max_waiting_commands ||
             waiting_bytes_ > settings_.max_waiting_bytes) {
    forget_waiting(operation.place);
    throw RedisError(where() + " is away and " + std::to_string(waiting_.size()) +
                     " commands wait for it already" +
                     (last_failure_.empty() ? "" : ": " + last_failure_));
  }
  operation.done.on_abandoned([this, &operation] {
    if (!operation.is_sent) forget_waiting(operation.place);
  });
  Pending<Answers> pending = operation.done.pending();
  connect_if_needed();
  arm_timer();
  return pending;
}

void HiredisClient::send(std::list<Operation>::iterator operation) {
  waiting_bytes_ -= operation->bytes;
  sent_.splice(sent_.end(), waiting_, operation);
  operation->is_sent = true;
  for (const std::string& command : operation->encoded) connection_->send(command, *operation);
}

void HiredisClient::answered(Operation& operation) {
  operation.done.complete(std::move(operation.answers));
  sent_.erase(operation.place);
}

void HiredisClient::forget_waiting(std::list<Operation>::iterator operation) {
  waiting_bytes_ -= operation->bytes;
  waiting_.erase(operation);
}

void HiredisClient::fail_waiting(std::exception_ptr error) {
  for (Operation& operation : waiting_) operation.done.fail(error);
  waiting_.clear();
  waiting_bytes_ = 0;
}

// What may be repeated goes in front of what waits, in its old order.
void HiredisClient::on_lost(const std::string& reason) {
  last_failure_ = reason;
  auto front = waiting_.begin();
  while (!sent_.empty()) {
    Operation& operation = sent_.front();
    if (operation.repeat == Repeat::allowed && operation.done.wanted()) {
      operation.answers.clear();
      operation.is_sent = false;
      waiting_bytes_ += operation.bytes;
      waiting_.splice(front, sent_, sent_.begin());
      continue;
    }
    operation.done.fail(
        std::make_exception_ptr(ConnectionLost(where() + ": the connection was lost before " +
                                               operation.name + " was answered: " + reason)));
    sent_.pop_front();
  }
  connect_if_needed();
}

void HiredisClient::connect_if_needed() {
  if (connecting_ || connected() || waiting_.empty()) return;
  connecting_ = true;
  tasks_.spawn(connect());
}

Async<void> HiredisClient::connect() {
  std::chrono::milliseconds delay = settings_.first_delay;
  int attempts = 0;
  while (!waiting_.empty()) {
    connection_ = std::make_unique<RedisConnection>(
        loop_, address_, [this](const std::string& reason) { on_lost(reason); });
    std::exception_ptr refused;
    try {
      co_await connection_->open(loop_.now() + settings_.connect_timeout);
    } catch (const RedisError&) {
      refused = std::current_exception();
    } catch (const Error& error) {
      last_failure_ = error.what();
      if (attempts++ == 0) log_away(last_failure_);
    }
    if (connected()) {
      ++connections_;
      if (attempts > 0) log_back();
      while (!waiting_.empty()) send(waiting_.begin());
      break;
    }
    connection_.reset();
    if (refused) {
      fail_waiting(std::move(refused));  // trying again would not change its mind
      break;
    }
    co_await sleep_for(loop_, jittered(delay));
    delay = std::min(delay * 2, settings_.longest_delay);
  }
  connecting_ = false;
}

// Once for each time that Redis is away, whatever the number of attempts.
void HiredisClient::log_away(const std::string& failure) const {
  log::write(log::Level::warning, kLogger, failure + "; trying again until it is back");
}

void HiredisClient::log_back() const {
  log::write(log::Level::info, kLogger, where() + " is back");
}

// Workers that lost the same Redis do not come back in step.
std::chrono::milliseconds HiredisClient::jittered(std::chrono::milliseconds delay) const {
  thread_local std::minstd_rand random(std::random_device{}());
  std::uniform_real_distribution<double> share(0.75, 1.25);
  return std::chrono::ceil<std::chrono::milliseconds>(delay * share(random));
}

// Operations time out in the order in which they came, so the oldest set the timer.
void HiredisClient::arm_timer() {
  if (timer_armed_ || (sent_.empty() && waiting_.empty())) return;
  Clock::time_point earliest = Clock::time_point::max();
  if (!sent_.empty()) earliest = sent_.front().deadline;
  if (!waiting_.empty()) earliest = std::min(earliest, waiting_.front().deadline);
  timer_armed_ = true;
  timer_.start(earliest - loop_.now());
}

void HiredisClient::on_time() {
  timer_armed_ = false;
  const Clock::time_point now = loop_.now();
  const std::string within = " within " + std::to_string(settings_.command_timeout.count()) + " ms";
  while (!waiting_.empty() && waiting_.front().deadline <= now) {
    Operation& operation = waiting_.front();
    operation.done.fail(std::make_exception_ptr(
        Timeout(operation.name + ": " + where() + " could not be reached" + within +
                (last_failure_.empty() ? "" : ": " + last_failure_))));
    forget_waiting(waiting_.begin());
  }
  bool late = false;
  for (Operation& operation : sent_) {
    if (operation.deadline > now) break;
    late = true;
    operation.done.fail(std::make_exception_ptr(
        Timeout(operation.name + ": " + where() + " has not answered" + within)));
  }
  // What was not answered may never be: the rest must not wait behind it.
  if (late) connection_->close("no answer" + within);
  arm_timer();
}

}  // namespace celeriac::worker
