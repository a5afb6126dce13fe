// Makes a thread that waits for the network give up.
#pragma once

#include <atomic>
#include <mutex>

namespace celeriac::worker::amqp {

// Owned by whoever starts the thread and outlives it. `interrupt` may be called from
// any thread; the rest belongs to the thread that is to be interrupted.
class Interrupter {
 public:
  Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;
  ~Interrupter();

  // For good: what waits now or later ends at once.
  void interrupt();
  bool interrupted() const { return interrupted_; }

  // Readable once interrupted.
  int descriptor() const { return descriptor_; }

  // While this lives, an interruption shuts the socket down, so that no read or write
  // on it waits any longer. It must not outlive the socket.
  class Watched {
   public:
    Watched(Interrupter& interrupter, int socket);
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    ~Watched();

   private:
    Interrupter& interrupter_;
  };

 private:
  const int descriptor_;  // an eventfd
  std::atomic<bool> interrupted_{false};
  std::mutex mutex_;
  int socket_ = -1;  // guarded by mutex_
};

}  // namespace celeriac::worker::amqp
