// A TCP server that does what a test tells it, to show a client answers that no real
// server gives on demand: cut off, late, or broken.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace celeriac::test {

// The server's side of one connection. Blocking; used on the server's own threads.
class ServedConnection {
 public:
  explicit ServedConnection(int descriptor) : descriptor_(descriptor) {}

  // All bytes up to and with the mark; fewer if the client has gone.
  std::string read_until(std::string_view mark);
  std::string read_exactly(std::size_t bytes);
  // False if the client has gone.
  bool write(std::string_view bytes);
  // Returns when the client has closed the connection.
  void wait_for_close();
  // Ends the connection with a reset instead of a close.
  void reset_on_close();

 private:
  int descriptor_;
  std::string buffer_;
};

// Runs the first script for the first connection, and so on; the last one for all that
// follow. A connection is closed when its script returns.
class ScriptedServer {
 public:
  using Script = std::function<void(ServedConnection&)>;

  explicit ScriptedServer(std::vector<Script> scripts, std::uint16_t port = 0);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  // Breaks what is still connected and waits for the scripts.
  ~ScriptedServer();

  std::uint16_t port() const { return port_; }
  std::size_t connections() const;  // accepted so far

 private:
  void accept_connections();
  void serve(int descriptor, const Script& script);

  std::vector<Script> scripts_;
  int listener_ = -1;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  std::list<int> open_;  // guarded by mutex_
  std::size_t accepted_ = 0;
  bool closing_ = false;
  std::vector<std::thread> served_;
  std::thread acceptor_;
};

// A port that nobody listens on.
std::uint16_t free_port();

}  // namespace celeriac::test
