// Requests of a made-up task, for tests of what holds them.
#pragma once

#include <memory>
#include <string>

#include "worker/execution/request.h"

namespace celeriac::worker {

class RequestMaker {
 public:
  explicit RequestMaker(std::string name = "add") {
    definition_.name = std::move(name);
    type.definition = &definition_;
  }
  RequestMaker(const RequestMaker&) = delete;
  RequestMaker& operator=(const RequestMaker&) = delete;

  TaskRequestPtr make(std::string id, std::uint64_t connection = 1) {
    protocol::TaskMessage message;
    message.task = definition_.name;
    message.id = std::move(id);
    return make(std::move(message), connection);
  }
  TaskRequestPtr make(protocol::TaskMessage message, std::uint64_t connection = 1) {
    Delivery delivery;
    delivery.ref = {connection, 1, ++tag_};
    return std::make_unique<TaskRequest>(std::move(message), std::move(delivery), type);
  }

  TaskType type;

 private:
  TaskDefinition definition_;
  std::uint64_t tag_ = 0;
};

}  // namespace celeriac::worker
