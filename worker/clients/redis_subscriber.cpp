#include "worker/clients/redis_subscriber.h"

#include <algorithm>
#include <utility>

#include "worker/log/log.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {

RedisSubscription::RedisSubscription(RedisSubscriber& subscriber, std::string channel)
    : subscriber_(subscriber), channel_(std::move(channel)) {}

RedisSubscription::~RedisSubscription() {
  subscriber_.drop(*this);
}

Async<void> RedisSubscription::ready() {
  while (!confirmed_) co_await change();
}

Async<std::string> RedisSubscription::next() {
  while (messages_.empty()) co_await change();
  std::string message = std::move(messages_.front());
  messages_.pop_front();
  co_return message;
}

Async<void> RedisSubscription::change() {
  if (!failure_) {
    subscriber_.connect_if_needed();
    waiter_.emplace(subscriber_.loop_);
    Pending<void> pending = waiter_->pending();
    co_await std::move(pending);
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void RedisSubscription::confirm() {
  confirmed_ = true;
  wake();
}

void RedisSubscription::arrived(const std::string& message) {
  messages_.push_back(message);
  wake();
}

void RedisSubscription::fail(std::exception_ptr error) {
  confirmed_ = false;
  failure_ = std::move(error);
  wake();
}

void RedisSubscription::wake() {
  if (waiter_) waiter_->complete();
}

RedisSubscriber::RedisSubscriber(Loop& loop, RedisAddress address, RedisClientSettings settings)
    : loop_(loop),
      address_(std::move(address)),
      settings_(settings),
      tasks_(loop, [this](std::exception_ptr error) {
        connecting_ = false;
        fail_all(std::move(error));
      }) {}

RedisSubscriber::~RedisSubscriber() = default;

std::unique_ptr<RedisSubscription> RedisSubscriber::subscribe(std::string channel) {
  std::unique_ptr<RedisSubscription> subscription(new RedisSubscription(*this, channel));
  const bool known = channels_.contains(channel);
  Channel& place = channels_[channel];
  place.subscriptions.push_back(subscription.get());
  if (place.confirmed) subscription->confirmed_ = true;
  if (!known && connected()) send("SUBSCRIBE", channel);
  connect_if_needed();
  return subscription;
}

void RedisSubscriber::drop(RedisSubscription& subscription) {
  auto channel = channels_.find(subscription.channel_);
  std::erase(channel->second.subscriptions, &subscription);
  if (!channel->second.subscriptions.empty()) return;
  channels_.erase(channel);
  if (connected()) send("UNSUBSCRIBE", subscription.channel_);
}

void RedisSubscriber::send(const char* command, const std::string& channel) {
  std::vector<std::string> words{command, channel};
  connection_->send(encode_redis_command(words), *this);
}

// ["subscribe", channel, count] or ["message", channel, payload].
void RedisSubscriber::on_answer(RedisAnswer answer) {
  const auto* reply = std::get_if<RedisReply>(&answer);
  const auto* parts = reply ? reply->as_array() : nullptr;
  if (!parts || parts->size() < 3) return;
  const std::string* kind = (*parts)[0].as_string();
  const std::string* name = (*parts)[1].as_string();
  if (!kind || !name) return;
  auto channel = channels_.find(*name);
  if (channel == channels_.end()) return;  // dropped meanwhile
  if (*kind == "subscribe") {
    channel->second.confirmed = true;
    for (RedisSubscription* subscription : channel->second.subscriptions) subscription->confirm();
  } else if (const std::string* message = (*parts)[2].as_string(); message && *kind == "message") {
    for (RedisSubscription* subscription : channel->second.subscriptions) {
      subscription->arrived(*message);
    }
  }
}

void RedisSubscriber::fail_all(std::exception_ptr error) {
  for (auto& [name, channel] : channels_) {
    channel.confirmed = false;
    for (RedisSubscription* subscription : channel.subscriptions) subscription->fail(error);
  }
}

void RedisSubscriber::connect_if_needed() {
  if (connecting_ || connected() || channels_.empty()) return;
  connecting_ = true;
  tasks_.spawn(connect());
}

// Goes on trying while there is a subscription; those who wait have a deadline of their own.
Async<void> RedisSubscriber::connect() {
  std::chrono::milliseconds delay = settings_.first_delay;
  while (!channels_.empty()) {
    connection_ =
        std::make_unique<RedisConnection>(loop_, address_, [this](const std::string& reason) {
          fail_all(std::make_exception_ptr(
              ConnectionLost("subscriptions at " + address_.display() + ": " + reason)));
          connect_if_needed();
        });
    std::exception_ptr refused;
    try {
      co_await connection_->open(loop_.now() + settings_.connect_timeout);
    } catch (const RedisError&) {
      refused = std::current_exception();
    } catch (const Error& error) {
      log::write(log::Level::debug, "celeriac.redis", error.what());
    }
    if (connected()) {
      for (const auto& [name, channel] : channels_) send("SUBSCRIBE", name);
      break;
    }
    connection_.reset();
    if (refused) {
      fail_all(std::move(refused));
      break;
    }
    co_await sleep_for(loop_, delay);
    delay = std::min(delay * 2, settings_.longest_delay);
  }
  connecting_ = false;
}

}  // namespace celeriac::worker
