// Tells the broker that we are alive, from a thread of its own: a task that keeps the loop to
// itself must not cost us the connection.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "worker/broker/amqp/rabbitmq.h"
#include "worker/loop/loop.h"

namespace celeriac::worker::amqp {

// rabbitmq-c is not thread safe: whoever else uses the connection holds `guard()` for each call,
// and for no longer, since tasks run in between. Destroy it before the connection.
class Heartbeats {
 public:
  // An interval of zero means none, and no thread.
  Heartbeats(amqp_connection_state_t connection, std::chrono::seconds interval);
  Heartbeats(const Heartbeats&) = delete;
  Heartbeats& operator=(const Heartbeats&) = delete;
  ~Heartbeats();

  [[nodiscard]] std::unique_lock<std::mutex> guard() { return std::unique_lock(connection_mutex_); }

  // Something was sent: a heartbeat is due that much later.
  void written() { last_written_ = Clock::now(); }
  Clock::duration silence() const { return Clock::now() - last_written_.load(); }

  // What rabbitmq-c said when a heartbeat could not be sent; AMQP_STATUS_OK if none failed.
  int status() const { return status_; }

 private:
  void run();
  void beat();

  const amqp_connection_state_t connection_;
  const Clock::duration interval_;
  std::mutex connection_mutex_;
  std::atomic<Clock::time_point> last_written_;
  std::atomic<int> status_ = AMQP_STATUS_OK;

  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;  // guarded by mutex_
  std::thread thread_;
};

// Whether the socket takes some bytes without waiting.
bool is_writable(int socket);

}  // namespace celeriac::worker::amqp
