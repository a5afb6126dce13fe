#include "worker/broker/amqp/heartbeats.h"

#include <poll.h>

namespace celeriac::worker::amqp {

Heartbeats::Heartbeats(amqp_connection_state_t connection, std::chrono::seconds interval)
    : connection_(connection), interval_(interval), last_written_(Clock::now()) {
  if (interval.count() > 0) thread_ = std::thread([this] { run(); });
}

Heartbeats::~Heartbeats() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_one();
  thread_.join();
}

void Heartbeats::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, interval_ / 4, [this] { return stopped_; })) beat();
}

// Twice in each interval, so that the broker hears of us in time.
void Heartbeats::beat() {
  if (silence() < interval_ / 2) return;
  const auto connection = guard();
  // A socket that takes nothing would block us, and whoever waits for the guard.
  if (!is_writable(amqp_get_sockfd(connection_))) return;
  amqp_frame_t frame{};
  frame.frame_type = AMQP_FRAME_HEARTBEAT;
  const int status = amqp_send_frame(connection_, &frame);
  if (status == AMQP_STATUS_OK) {
    written();
  } else {
    status_ = status;
  }
}

bool is_writable(int socket) {
  pollfd descriptor{socket, POLLOUT, 0};
  return ::poll(&descriptor, 1, 0) == 1 && (descriptor.revents & POLLOUT) != 0;
}

}  // namespace celeriac::worker::amqp
