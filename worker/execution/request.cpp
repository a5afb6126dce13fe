#include "worker/execution/request.h"

#include <cassert>

#include "worker/log/line.h"

namespace celeriac::worker {
namespace {

std::optional<double> unless_zero(std::optional<double> limit) {
  return limit && *limit > 0 ? limit : std::nullopt;
}

}  // namespace

TaskRequest::TaskRequest(protocol::TaskMessage&& task_message, Delivery&& delivery,
                         TaskType& task_type)
    : message(std::move(task_message)),
      delivery_info(std::move(delivery.info)),
      type(task_type),
      // A decoded message is some times larger than its text.
      bytes(sizeof(TaskRequest) + 4 * delivery.body.size()),
      deliveries_{delivery.ref} {}

void TaskRequest::settle(Broker& broker, Verdict verdict) {
  if (verdict_) return;
  verdict_ = verdict;
  for (const DeliveryRef& delivery : deliveries_) broker.settle(delivery, verdict);
  deliveries_.resize(1);
}

void TaskRequest::settle_adopted(Broker& broker) {
  assert(verdict_);
  for (std::size_t i = 1; i < deliveries_.size(); ++i) broker.settle(deliveries_[i], *verdict_);
  deliveries_.resize(1);
}

std::optional<double> TaskRequest::time_limit() const {
  if (auto own = unless_zero(message.timelimit.hard)) return own;
  return type.time_limit;
}

std::optional<double> TaskRequest::soft_time_limit() const {
  if (auto own = unless_zero(message.timelimit.soft)) return own;
  return type.soft_time_limit;
}

std::string subject(const protocol::TaskMessage& message) {
  return log::on_one_line(message.name()) + "[" + log::on_one_line(message.id) + "]";
}

}  // namespace celeriac::worker
