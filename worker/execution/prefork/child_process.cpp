#include "worker/execution/prefork/child_process.h"

#include <celeriac/error.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "worker/execution/prefork/child.h"
#include "worker/log/log.h"

extern char** environ;

namespace celeriac::worker::prefork {

namespace {

constexpr auto kGrace = std::chrono::milliseconds(100);

// This program's command line, word by word.
std::vector<std::string> command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

std::vector<std::string> environment_for_child(int descriptor) {
  const std::string prefix = std::string(kChildVariable) + "=";
  std::vector<std::string> variables;
  for (char** variable = environ; *variable; ++variable) {
    if (std::strncmp(*variable, prefix.c_str(), prefix.size()) != 0) variables.push_back(*variable);
  }
  // A service manager is to be notified by the worker alone.
  std::erase_if(variables, [](const std::string& variable) {
    return variable.starts_with("NOTIFY_SOCKET=") || variable.starts_with("WATCHDOG_");
  });
  variables.push_back(prefix + std::to_string(descriptor));
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

// Signals as a fresh program has them, nothing inherited but the three streams and the socket.
class SpawnPlan {
 public:
  explicit SpawnPlan(int socket) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    // Onto itself: that takes close-on-exec off.
    posix_spawn_file_actions_adddup2(&actions_, socket, socket);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  pid_t start(std::vector<std::string> words, std::vector<std::string> variables) {
    pid_t pid = -1;
    const int error = posix_spawn(&pid, "/proc/self/exe", &actions_, &attributes_,
                                  pointers(words).data(), pointers(variables).data());
    if (error != 0) {
      throw Error(std::string("cannot start a pool process: ") + std::strerror(error));
    }
    return pid;
  }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

}  // namespace

std::string describe_exit(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const char* name = sigabbrev_np(signal);
    return "signal " + std::to_string(signal) + " (" + (name ? "SIG" + std::string(name) : "?") +
           ")";
  }
  return "exitcode " + std::to_string(WEXITSTATUS(wait_status));
}

ChildProcess::ChildProcess(Loop& loop, Callbacks callbacks)
    : loop_(loop),
      callbacks_(std::move(callbacks)),
      kill_timer_(loop, [this] { send_signal(SIGKILL); }) {
  spawn();
  socket_poll_ = std::make_unique<Poll>(loop_, socket_, [this](Poll::Events e) { on_socket(e); });
  exit_poll_ = std::make_unique<Poll>(loop_, pidfd_, [this](Poll::Events) { on_process_ended(); });
  exit_poll_->watch({.read = true});
  watch_socket();
}

ChildProcess::~ChildProcess() {
  exit_poll_.reset();
  hang_up();
  if (pid_ > 0) {
    send_signal(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (pidfd_ >= 0) close(pidfd_);
}

void ChildProcess::spawn() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error(std::string("cannot make a socket pair for a pool process: ") +
                std::strerror(errno));
  }
  socket_ = ends[0];
  fcntl(socket_, F_SETFL, O_NONBLOCK);
  try {
    pid_ = SpawnPlan(ends[1]).start(command_line(), environment_for_child(ends[1]));
  } catch (...) {
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  close(ends[1]);
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd_ < 0) throw Error(std::string("pidfd_open failed: ") + std::strerror(errno));
  fcntl(pidfd_, F_SETFD, FD_CLOEXEC);
}

void ChildProcess::send(const Json& frame) {
  if (socket_ < 0) return;
  pending_ += encode_frame(frame);
  write_pending();
}

void ChildProcess::write_pending() {
  while (!pending_.empty()) {
    const ssize_t n = ::send(socket_, pending_.data(), pending_.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      pending_.erase(0, static_cast<std::size_t>(n));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      pending_.clear();  // it has gone; its exit is told by itself
      break;
    }
  }
  watch_socket();
}

void ChildProcess::watch_socket() {
  if (socket_poll_) socket_poll_->watch({.read = true, .write = !pending_.empty()});
}

void ChildProcess::on_socket(Poll::Events events) {
  if (events.writable) write_pending();
  if (events.readable) read_frames();
}

void ChildProcess::read_frames() {
  char bytes[65536];
  for (;;) {
    const ssize_t n = ::recv(socket_, bytes, sizeof bytes, 0);
    if (n > 0) {
      reader_.feed({bytes, static_cast<std::size_t>(n)});
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) socket_poll_->watch({});
    break;
  }
  while (auto frame = reader_.next()) callbacks_.on_frame(std::move(*frame));
}

void ChildProcess::on_process_ended() {
  if (pid_ <= 0) return;
  // What it sent before it ended counts.
  if (socket_ >= 0) read_frames();
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return;
  pid_ = -1;
  kill_timer_.stop();
  exit_poll_->watch({});
  callbacks_.on_exit(status);
}

void ChildProcess::ask_to_stop(int run) {
  if (pid_ > 0) sigqueue(pid_, SIGUSR1, sigval{.sival_int = run});
}

void ChildProcess::terminate() {
  send_signal(SIGTERM);
  kill_timer_.start(kGrace);
}

void ChildProcess::send_signal(int signal) {
  if (pid_ > 0) kill(pid_, signal);
}

void ChildProcess::hang_up() {
  socket_poll_.reset();
  if (socket_ >= 0) close(std::exchange(socket_, -1));
}

}  // namespace celeriac::worker::prefork
