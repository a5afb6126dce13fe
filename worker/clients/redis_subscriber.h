// Waits for messages that others publish, on a connection of its own.
#pragma once

#include <celeriac/async.h>
#include <celeriac/redis.h>

#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/clients/redis_address.h"
#include "worker/clients/redis_client.h"
#include "worker/clients/redis_connection.h"
#include "worker/loop/completion.h"
#include "worker/loop/loop.h"
#include "worker/loop/task_group.h"

namespace celeriac::worker {

class RedisSubscriber;

// One waiter for one channel; ends when destroyed, before its subscriber.
class RedisSubscription {
 public:
  RedisSubscription(const RedisSubscription&) = delete;
  RedisSubscription& operator=(const RedisSubscription&) = delete;
  ~RedisSubscription();

  // Redis has confirmed: what is published from now on arrives. To wait for a result,
  // await this, look whether the result is there already, then await `next`. Waits while
  // Redis is away: give it a deadline.
  Async<void> ready();

  // The next message. One waiter at a time.
  //
  // Both throw ConnectionLost once after the connection was lost, because messages may
  // have been missed, and RedisError when Redis refuses us. The subscription renews
  // itself: `ready` again.
  Async<std::string> next();

 private:
  friend class RedisSubscriber;
  RedisSubscription(RedisSubscriber& subscriber, std::string channel);

  void confirm();
  void arrived(const std::string& message);
  void fail(std::exception_ptr error);
  void wake();
  Async<void> change();

  RedisSubscriber& subscriber_;
  std::string channel_;
  bool confirmed_ = false;
  std::exception_ptr failure_;
  std::deque<std::string> messages_;
  std::optional<Completion<void>> waiter_;
};

// Connects with the first subscription, and stays connected while there is one. Loop
// thread only; the loop must outlive it.
class RedisSubscriber final : private RedisConnection::Receiver {
 public:
  RedisSubscriber(Loop& loop, RedisAddress address, RedisClientSettings settings);
  RedisSubscriber(const RedisSubscriber&) = delete;
  RedisSubscriber& operator=(const RedisSubscriber&) = delete;
  ~RedisSubscriber();

  std::unique_ptr<RedisSubscription> subscribe(std::string channel);

 private:
  friend class RedisSubscription;
  struct Channel {
    bool confirmed = false;
    std::vector<RedisSubscription*> subscriptions;  // they leave when destroyed
  };

  void on_answer(RedisAnswer answer) override;
  void drop(RedisSubscription& subscription);
  void send(const char* command, const std::string& channel);
  void fail_all(std::exception_ptr error);
  void connect_if_needed();
  Async<void> connect();
  bool connected() const { return connection_ && connection_->is_open(); }

  Loop& loop_;
  RedisAddress address_;
  RedisClientSettings settings_;
  std::map<std::string, Channel> channels_;
  std::unique_ptr<RedisConnection> connection_;
  bool connecting_ = false;
  TaskGroup tasks_;
};

}  // namespace celeriac::worker
