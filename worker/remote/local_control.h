// Remote control's view of this worker: its consumer, its pool, its queues.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "worker/consumer/consumer.h"
#include "worker/execution/autoscaler.h"
#include "worker/execution/services.h"
#include "worker/execution/settings.h"
#include "worker/execution/task_type.h"
#include "worker/loop/task_group.h"
#include "worker/remote/worker_control.h"

namespace celeriac::worker {

// Loop thread only. Everything it is made of must outlive it.
class LocalControl final : public WorkerControl {
 public:
  struct Parts {
    Services& services;
    TaskTypes& types;
    Consumer& consumer;
    TaskGroup& group;
    const PoolSettings& pool_settings;
    const TaskSettings& task_settings;
    std::size_t prefetch_multiplier;
    std::function<void()> warm_shutdown;
    std::function<void()> revoked_changed;
  };
  explicit LocalControl(Parts parts);

  std::vector<TaskSnapshot> active() const override;
  std::vector<TaskSnapshot> reserved() const override;
  std::vector<TaskSnapshot> scheduled() const override;
  std::vector<std::string> revoked() const override;
  std::map<std::string, std::uint64_t> totals() const override;
  std::uint64_t processed() const override { return parts_.consumer.processed(); }
  std::size_t active_count() const override { return parts_.consumer.active(); }
  std::vector<protocol::Queue> active_queues() const override { return active_queues_; }
  std::uint32_t prefetch_count() const override;
  PoolSnapshot pool() const override;
  std::optional<AutoscaleSnapshot> autoscaler() const override;
  std::vector<RegisteredTask> registered() const override;

  void revoke(const std::vector<std::string>& ids) override;
  std::vector<std::string> terminate(const std::vector<std::string>& ids, int signal) override;
  void merge_revoked(const std::vector<std::string>& ids) override;
  Stamps revoke_by_stamped_headers(const Stamps& headers, std::optional<int> signal) override;

  Known set_rate_limit(const std::string& task, const std::string& limit) override;
  Known set_time_limits(const std::string& task, std::optional<double> hard,
                        std::optional<double> soft) override;

  Async<void> add_consumer(protocol::Queue queue) override;
  Async<void> cancel_consumer(std::string queue) override;
  protocol::Queue queue_named(const std::string& name) const override;

  CommandResult pool_grow(int n) override;
  CommandResult pool_shrink(int n) override;
  CommandResult autoscale(std::optional<int> max, std::optional<int> min) override;
  void shutdown(const std::string& message) override;

  // To be called when the load has changed, or time has passed.
  void scale();

 private:
  TaskSnapshot snapshot(const TaskRequest& request) const;
  Async<void> store_revoked(std::string id);
  void resize_pool(std::size_t slots);
  void renew_consumers();

  Parts parts_;
  std::vector<protocol::Queue> active_queues_;
  std::optional<Autoscaler> autoscaler_;
};

}  // namespace celeriac::worker
