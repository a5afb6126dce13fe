// Ships lines to a Logstash TCP input. It blocks, so it is used by one thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>

namespace celeriac::worker::log {

class LogstashConnection {
 public:
  // Throws ConfigError unless `address` is HOST:PORT or [IPV6]:PORT.
  explicit LogstashConnection(const std::string& address);
  ~LogstashConnection();
  LogstashConnection(const LogstashConnection&) = delete;
  LogstashConnection& operator=(const LogstashConnection&) = delete;

  // Sends the line, connecting first where needed, again and again with growing
  // pauses, until it is written or `give_up` was called. A line that broke off is
  // sent again on the next connection. False if it was not sent.
  bool send(const std::string& line);

  // From any thread: no new attempt to connect is made from now on, and what
  // blocks ends after `grace`.
  void give_up(std::chrono::milliseconds grace);

 private:
  bool connect();
  bool write_all(std::string_view bytes);
  // False if it was given up meanwhile.
  bool pause(std::chrono::milliseconds duration);
  void close();

  std::string host_, port_;
  int socket_ = -1;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool given_up_ = false;
  std::chrono::steady_clock::time_point last_moment_ = std::chrono::steady_clock::time_point::max();
};

}  // namespace celeriac::worker::log
