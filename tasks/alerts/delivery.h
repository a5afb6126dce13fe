// What became of a run's alarms on one channel, while they are being told and after.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tasks/alerts/claims.h"
#include "tasks/alerts/pipeline.h"

namespace celeriac::alerts {

// Alarms are named by their place in the run.
struct Pipeline::Delivery {
  enum class Kind {
    done,
    waiting,   // for the channel's rate, which is no failure
    troubled,  // the channel or Redis could not be reached, or asked for another try
  };
  Kind kind = Kind::done;
  std::string channel;
  Attempt attempt;
  std::vector<std::size_t> left;         // to be told later
  std::vector<std::size_t> unconfirmed;  // told, but Redis does not know
  std::size_t sent = 0;
  std::string trouble;    // why some are left
  Milliseconds after{0};  // when to come back
  std::string failure;    // what was refused for good, and what to do
};

}  // namespace celeriac::alerts
