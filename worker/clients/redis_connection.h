// One connection to Redis through hiredis, driven by the loop.
#pragma once

#include <celeriac/async.h>
#include <celeriac/error.h>
#include <celeriac/redis.h>

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "worker/clients/redis_address.h"
#include "worker/loop/completion.h"
#include "worker/loop/loop.h"
#include "worker/loop/move_only_function.h"

struct redisAsyncContext;

namespace celeriac::worker {

// An answer of Redis: `-ERR …` is one too. An array with an error in it is that error.
using RedisAnswer = std::variant<RedisReply, RedisError>;

// A command as Redis reads it (RESP 2): *<count> then $<length> and the bytes of each word.
std::string encode_redis_command(const std::vector<std::string>& words);

// Opened once; when it is lost, a new one is made. Loop thread only. Neither receivers
// nor `on_lost` may destroy it: they are called from inside hiredis.
class RedisConnection {
 public:
  class Receiver {
   public:
    virtual void on_answer(RedisAnswer answer) = 0;

   protected:
    ~Receiver() = default;
  };

  // `on_lost` is called at most once, and only after `open` has succeeded.
  RedisConnection(Loop& loop, RedisAddress address,
                  MoveOnlyFunction<void(const std::string& reason)> on_lost);
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;
  ~RedisConnection();

  // Connects, logs in, selects the database and sees Redis answer. Throws Timeout or
  // ConnectionLost when another attempt may help, RedisError when Redis refuses us.
  Async<void> open(Clock::time_point deadline);

  bool is_open() const { return open_; }

  // The receiver gets the answer, or the messages of a subscription, and must live until
  // then or until the connection is lost or destroyed. Commands are pipelined.
  void send(std::string_view encoded_command, Receiver& receiver);

  // As if the connection had been lost for this reason. Not from a receiver.
  void close(std::string reason);

 private:
  struct Hooks;
  class Question;
  class Tls;

  Async<void> connect(Clock::time_point deadline);
  Async<void> connect_to(std::string address);
  Async<void> greet();
  Async<RedisReply> ask(std::vector<std::string> words);
  void attach(redisAsyncContext* context);
  void start_tls();
  void released();
  std::string where() const { return "Redis at " + address_.display(); }

  Loop& loop_;
  RedisAddress address_;
  MoveOnlyFunction<void(const std::string&)> on_lost_;
  bool open_ = false;
  std::string close_reason_;
  redisAsyncContext* context_ = nullptr;  // hiredis frees it when the connection ends
  std::unique_ptr<Hooks> hooks_;
  std::unique_ptr<Tls> tls_;
  Completion<void>* connecting_ = nullptr;
  Question* question_ = nullptr;
};

}  // namespace celeriac::worker
