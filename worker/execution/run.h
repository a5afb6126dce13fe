// One task while it runs: how it may be stopped, and what it has sent.
#pragma once

#include <celeriac/interruption.h>
#include <celeriac/json.h>

#include <optional>

#include "worker/execution/request.h"
#include "worker/execution/time_limits.h"

namespace celeriac::worker {

// Lives in the frame that runs the task. Loop thread only.
class Run final : public TimeLimits::Listener {
 public:
  explicit Run(TaskRequest& task_request) : request(task_request) {}

  TaskRequest& request;
  Interruption interruption;
  Json::Array children;      // result tuples of what it has sent
  std::size_t position = 0;  // among the running, for whoever keeps them

  // Ends it at its next await; a plain function as its pool can.
  void terminate(int signal);

  std::optional<double> hard_limit() const { return hard_limit_; }
  std::optional<int> signal() const { return signal_; }

 private:
  void soft_limit_passed(double seconds) override;
  void hard_limit_passed(double seconds) override;

  std::optional<double> hard_limit_;
  std::optional<int> signal_;
};

}  // namespace celeriac::worker
