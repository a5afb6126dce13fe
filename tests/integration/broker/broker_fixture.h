// A broker on a loop of its own, and what it told its listener.
#pragma once

#include <celeriac/async.h>
#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/broker/rabbit.h"
#include "worker/broker/amqp/amqp_broker.h"
#include "worker/broker/broker.h"
#include "worker/loop/loop.h"
#include "worker/loop/task_group.h"
#include "worker/loop/timer.h"

namespace celeriac::test {

using namespace std::chrono_literals;

class BrokerTest : public testing::Test, protected worker::BrokerListener {
 protected:
  // Runs one coroutine on the loop; it fails when it throws or takes five minutes.
  void run(Async<void> test) {
    std::exception_ptr failure;
    worker::TaskGroup group(loop, [&](std::exception_ptr error) { failure = error; });
    worker::Timer deadline(loop, [&] {
      ADD_FAILURE() << "not done within five minutes";
      loop.stop();
    });
    deadline.start(5min);
    group.spawn(then_stop(std::move(test)));
    loop.run();
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }

  void make_broker(worker::BrokerSettings settings = {}) {
    if (settings.urls.empty()) settings.urls = {amqp_url()};
    broker = worker::make_amqp_broker(loop, std::move(settings));
  }

  // The loop goes round until it holds; the deadline of `run` limits it.
  Async<void> until(std::function<bool()> condition) {
    while (!condition()) co_await worker::sleep_for(loop, 1ms);
  }

  static worker::ConsumerSpec consumer_of(const std::string& queue, std::uint16_t prefetch = 100) {
    worker::ConsumerSpec spec;
    spec.queue = plain_queue(queue);
    spec.prefetch = prefetch;
    return spec;
  }

  static worker::Publication task_to(const std::string& queue, std::string body) {
    worker::Publication publication;
    publication.routing_key = queue;
    publication.body = std::move(body);
    publication.properties.delivery_mode = 2;
    return publication;
  }

  // The text of the error, or none.
  Async<std::string> error_of(worker::Publication publication) {
    try {
      co_await broker->publish(std::move(publication));
    } catch (const Error& error) {
      co_return error.what();
    }
    co_return "";
  }

  Async<void> stop() { co_await broker->stop(10s); }

  void on_delivery(worker::Delivery&& delivery) override {
    deliveries.push_back(std::move(delivery));
    if (verdict) broker->settle(deliveries.back().ref, *verdict);
  }
  void on_consuming() override { ++consuming; }
  void on_connection_lost(const std::string& reason) override { losses.push_back(reason); }
  void on_unrecoverable(const std::string& reason) override { unrecoverable.push_back(reason); }

  worker::Loop loop;
  std::unique_ptr<worker::Broker> broker;
  std::optional<worker::Verdict> verdict;  // given to every delivery at once
  std::vector<worker::Delivery> deliveries;
  std::vector<std::string> losses, unrecoverable;
  int consuming = 0;

 private:
  Async<void> then_stop(Async<void> test) {
    std::exception_ptr failure;
    try {
      co_await std::move(test);
    } catch (...) {
      failure = std::current_exception();
    }
    loop.stop();
    if (failure) std::rethrow_exception(failure);
  }
};

}  // namespace celeriac::test
