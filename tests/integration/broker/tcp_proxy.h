// A wire to the broker that tests can cut, block and freeze.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace celeriac::test {

// Forwards from a free local port to the broker, on a thread of its own.
class TcpProxy {
 public:
  explicit TcpProxy(const std::string& target_url);
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;
  ~TcpProxy();

  // The target's URL, through this proxy.
  std::string url() const;

  // Closes what is connected.
  void cut();
  // New connections are closed at once, as if nobody listened; and the opposite.
  void refuse();
  void accept();
  // Bytes stay where they are, nothing is closed; and the opposite.
  void freeze();
  void thaw();

 private:
  struct Pair {
    int client, server;
  };

  void run();
  void take_connection();
  bool forward(const Pair& pair, int from, int to);
  void wake();

  std::string target_url_;
  std::uint16_t target_port_;
  int listener_, wake_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false}, refusing_{false}, frozen_{false}, cut_{false};
  std::vector<Pair> pairs_;  // of the thread
  std::thread thread_;
};

}  // namespace celeriac::test
