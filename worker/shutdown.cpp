#include "worker/shutdown.h"

#include <csignal>

namespace celeriac::worker {

Shutdown::Action Shutdown::warm(std::string_view says) {
  if (step_ != Step::none) return {Step::none, says};
  step_ = Step::warm;
  return {Step::warm, says};
}

Shutdown::Action Shutdown::cold(std::string_view says) {
  if (step_ == Step::cold) {
    step_ = Step::hard;
    return {Step::hard, "Waiting gracefully for cold shutdown to complete..."};
  }
  step_ = Step::cold;
  return {Step::cold, says};
}

Shutdown::Action Shutdown::on_signal(int number) {
  constexpr std::string_view kCold =
      "worker: Hitting Ctrl+C again will terminate all running tasks!\n"
      "worker: Cold shutdown (MainProcess)";
  if (step_ == Step::hard) return {};
  if (number == SIGTERM) return warm("worker: Warm shutdown (MainProcess)");
  if (number == SIGQUIT) return cold(kCold);
  if (step_ != Step::none) return cold(kCold);
  exit_code_ = 1;
  return warm(
      "worker: Hitting Ctrl+C again will initiate cold shutdown, terminating all running tasks!\n"
      "worker: Warm shutdown (MainProcess)");
}

Shutdown::Action Shutdown::on_request() {
  return warm({});
}

}  // namespace celeriac::worker
