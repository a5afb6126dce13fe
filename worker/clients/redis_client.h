// The Redis that tasks and the worker share: pipelining, waiting and reconnecting.
#pragma once

#include <celeriac/redis.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "worker/clients/redis_address.h"
#include "worker/clients/redis_connection.h"
#include "worker/loop/completion.h"
#include "worker/loop/loop.h"
#include "worker/loop/task_group.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {

struct RedisClientSettings {
  std::chrono::milliseconds connect_timeout{5000};
  // From the await to the answer, waiting for Redis included. When an answer is that
  // late, the connection is given up as well.
  std::chrono::milliseconds command_timeout{10000};
  // What may wait while Redis is away; more is refused with RedisError.
  std::size_t max_waiting_commands = 10000;
  std::size_t max_waiting_bytes = std::size_t{64} << 20;
  // Between attempts to connect; it doubles up to the second.
  std::chrono::milliseconds first_delay{50};
  std::chrono::milliseconds longest_delay{2000};
};

// Connects with the first command, and again when a command waits for it. Loop thread
// only; the loop must outlive it. Destroying it ends all waiters as Cancelled.
class HiredisClient final : public RedisClient {
 public:
  HiredisClient(Loop& loop, RedisAddress address, RedisClientSettings settings);
  HiredisClient(const HiredisClient&) = delete;
  HiredisClient& operator=(const HiredisClient&) = delete;
  ~HiredisClient() override;

  bool connected() const { return connection_ && connection_->is_open(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t sent() const { return sent_.size(); }
  std::uint64_t connections() const { return connections_; }  // made so far

 private:
  using Answers = std::vector<RedisAnswer>;
  struct Operation;

  Async<RedisReply> perform(std::vector<std::string> arguments, Repeat repeat) override;
  Async<std::vector<RedisReply>> perform_transaction(std::vector<std::vector<std::string>> commands,
                                                     Repeat repeat) override;
  Async<RedisReply> perform_script(std::string script, std::vector<std::string> keys,
                                   std::vector<std::string> arguments, Repeat repeat) override;

  Pending<Answers> begin(std::string name, std::vector<std::string> encoded, Repeat repeat);
  void check_bounds(std::size_t bytes) const;
  void send(std::list<Operation>::iterator operation);
  void answered(Operation& operation);
  void forget_waiting(std::list<Operation>::iterator operation);
  void fail_waiting(std::exception_ptr error);
  void on_lost(const std::string& reason);

  void connect_if_needed();
  Async<void> connect();
  void log_away(const std::string& failure) const;
  void log_back() const;
  std::chrono::milliseconds jittered(std::chrono::milliseconds delay) const;

  void arm_timer();
  void on_time();

  std::string where() const { return "Redis at " + address_.display(); }

  Loop& loop_;
  RedisAddress address_;
  RedisClientSettings settings_;
  std::list<Operation> waiting_;  // for a connection, in order
  std::size_t waiting_bytes_ = 0;
  std::list<Operation> sent_;  // for their answers, in order
  std::unique_ptr<RedisConnection> connection_;
  std::uint64_t connections_ = 0;
  std::string last_failure_;
  bool connecting_ = false;
  Timer timer_;
  bool timer_armed_ = false;
  TaskGroup tasks_;
};

}  // namespace celeriac::worker
