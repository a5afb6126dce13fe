// What each signal means for a worker that is to end (Celery 5.x, apps/worker.py).
#pragma once

#include <string_view>

namespace celeriac::worker {

// Pure: signals come in, what to do comes out.
class Shutdown {
 public:
  enum class Step {
    none,
    warm,  // stop consuming, let running tasks end
    cold,  // end running tasks; late acks go back to the broker
    hard,  // leave at once
  };
  struct Action {
    Step step = Step::none;
    std::string_view says;  // on stderr, line by line; empty: nothing
  };

  // SIGTERM, SIGINT or SIGQUIT.
  Action on_signal(int number);
  // Remote control's shutdown.
  Action on_request();

  bool begun() const { return step_ != Step::none; }
  // Of the process, once the worker has ended.
  int exit_code() const { return exit_code_; }

 private:
  Action warm(std::string_view says);
  Action cold(std::string_view says);

  Step step_ = Step::none;
  int exit_code_ = 0;
};

}  // namespace celeriac::worker
