// One pool child as the worker sees it: a process, and the socket to it.
#pragma once

#include <celeriac/json.h>
#include <sys/types.h>

#include <memory>
#include <string>

#include "worker/execution/prefork/frame.h"
#include "worker/loop/move_only_function.h"
#include "worker/loop/poll.h"
#include "worker/loop/timer.h"

namespace celeriac::worker::prefork {

// How a process ended, in Celery's words: `signal 9 (SIGKILL)`, `exitcode 3`.
std::string describe_exit(int wait_status);

// Loop thread only. The callbacks may not destroy the object; they note what is to be done.
class ChildProcess {
 public:
  struct Callbacks {
    MoveOnlyFunction<void(Json frame)> on_frame;
    // The process has ended and was reaped. Nothing follows.
    MoveOnlyFunction<void(int wait_status)> on_exit;
  };

  // Starts this program again, with the same command line, as a pool child. Throws Error.
  ChildProcess(Loop& loop, Callbacks callbacks);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // A process that still runs is killed.
  ~ChildProcess();

  pid_t pid() const { return pid_; }

  void send(const Json& frame);
  // The soft time limit of the run with this number: the function may look and return.
  void ask_to_stop(int run);
  // SIGTERM, and SIGKILL if it has not ended a tenth of a second later (as billiard does).
  void terminate();
  void send_signal(int signal);
  // Closes the socket: a child that waits for work ends by itself.
  void hang_up();

 private:
  void spawn();
  void on_socket(Poll::Events events);
  void read_frames();
  void write_pending();
  void watch_socket();
  void on_process_ended();

  Loop& loop_;
  Callbacks callbacks_;
  pid_t pid_ = -1;
  int socket_ = -1, pidfd_ = -1;
  FrameReader reader_;
  std::string pending_;  // bytes that the socket has not taken yet
  std::unique_ptr<Poll> socket_poll_, exit_poll_;
  Timer kill_timer_;
};

}  // namespace celeriac::worker::prefork
