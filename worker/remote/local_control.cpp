#include "worker/remote/local_control.h"

#include <celeriac/error.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "worker/execution/stored_state.h"
#include "worker/execution/wall_clock.h"
#include "worker/log/log.h"

namespace celeriac::worker {

namespace {

constexpr const char* kLogger = "celery.worker.control";

// A task in one of these has not begun anywhere (Celery 5.7, worker/control.py _revoke); what
// has begun elsewhere is left to that worker.
bool has_not_begun(const std::optional<protocol::ResultDocument>& stored) {
  static constexpr std::array<std::string_view, 4> kWaiting{"PENDING", "RECEIVED", "RETRY",
                                                            "REJECTED"};
  return !stored || std::ranges::find(kWaiting, stored->status) != kWaiting.end();
}

Json whole_or_real(double value) {
  const double whole = std::trunc(value);
  return whole == value ? Json(static_cast<std::int64_t>(whole)) : Json(value);
}

// What `inspect registered` may be asked for (taskinfoitems).
JsonObject attributes_of(const TaskType& type, const PublishSettings& publish) {
  const TaskOptions& options = type.options();
  JsonObject attributes{{"name", type.name()},
                        {"serializer", options.serializer.value_or(publish.task_serializer)},
                        {"default_retry_delay", whole_or_real(type.default_retry_delay)},
                        {"acks_late", type.acks_late},
                        {"reject_on_worker_lost", type.reject_on_worker_lost},
                        {"track_started", type.track_started},
                        {"ignore_result", type.ignore_result},
                        {"store_errors_even_if_ignored", type.store_errors_even_if_ignored}};
  if (type.rate_limit) attributes.set("rate_limit", type.rate_limit_text);
  if (type.max_retries) attributes.set("max_retries", *type.max_retries);
  if (type.time_limit) attributes.set("time_limit", whole_or_real(*type.time_limit));
  if (type.soft_time_limit) attributes.set("soft_time_limit", whole_or_real(*type.soft_time_limit));
  return attributes;
}

}  // namespace

LocalControl::LocalControl(Parts parts)
    : parts_(std::move(parts)), active_queues_(parts_.services.queues.consumed()) {
  const PoolSettings& pool = parts_.pool_settings;
  if (pool.autoscale) autoscaler_.emplace(*pool.autoscale, pool.autoscale_keepalive);
}

TaskSnapshot LocalControl::snapshot(const TaskRequest& request) const {
  const protocol::TaskMessage& message = request.message;
  TaskSnapshot snapshot;
  snapshot.id = message.id;
  snapshot.name = message.name();
  snapshot.type = message.task;
  snapshot.args = message.args;
  snapshot.kwargs = message.kwargs;
  snapshot.argsrepr = message.argsrepr;
  snapshot.kwargsrepr = message.kwargsrepr;
  snapshot.acknowledged = request.settled();
  snapshot.delivery_info = request.delivery_info;
  snapshot.priority = message.priority;
  snapshot.eta = message.eta;
  if (request.stage == TaskRequest::Stage::active) {
    snapshot.time_start = protocol::to_unix_seconds(request.started_at);
    snapshot.worker_pid =
        request.child ? static_cast<int>(request.child->pid) : parts_.services.pid;
  }
  return snapshot;
}

std::vector<TaskSnapshot> LocalControl::active() const {
  std::vector<TaskSnapshot> tasks;
  for (const Run* run : parts_.consumer.running()) tasks.push_back(snapshot(run->request));
  return tasks;
}

std::vector<TaskSnapshot> LocalControl::reserved() const {
  std::vector<TaskSnapshot> tasks;
  for (const TaskRequestPtr& request : parts_.consumer.waiting()) {
    tasks.push_back(snapshot(*request));
  }
  return tasks;
}

std::vector<TaskSnapshot> LocalControl::scheduled() const {
  std::vector<TaskSnapshot> tasks;
  for (const auto& [eta, request] : parts_.consumer.scheduled()) {
    tasks.push_back(snapshot(*request));
  }
  return tasks;
}

std::vector<std::string> LocalControl::revoked() const {
  return parts_.consumer.revoked().ids(parts_.services.loop.now());
}

std::map<std::string, std::uint64_t> LocalControl::totals() const {
  std::map<std::string, std::uint64_t> totals;
  for (const auto& [name, type] : parts_.types) {
    if (type.total > 0) totals[name] = type.total;
  }
  return totals;
}

std::uint32_t LocalControl::prefetch_count() const {
  return static_cast<std::uint32_t>(parts_.consumer.prefetch());
}

PoolSnapshot LocalControl::pool() const {
  PoolSnapshot snapshot;
  snapshot.implementation = parts_.services.pool.implementation();
  snapshot.max_concurrency = static_cast<int>(parts_.consumer.slots().capacity());
  snapshot.processes = parts_.services.pool.processes();
  snapshot.soft_time_limit =
      parts_.task_settings.soft_time_limit.value_or(std::chrono::seconds(0)).count();
  snapshot.time_limit = parts_.task_settings.time_limit.value_or(std::chrono::seconds(0)).count();
  return snapshot;
}

std::vector<WorkerControl::RegisteredTask> LocalControl::registered() const {
  std::vector<RegisteredTask> tasks;
  for (const auto& [name, type] : parts_.types) {
    RegisteredTask task;
    task.name = name;
    task.attributes = attributes_of(type, parts_.services.publish);
    task.builtin = type.definition->builtin || name.starts_with("celery.");
    tasks.push_back(std::move(task));
  }
  return tasks;
}

void LocalControl::revoke(const std::vector<std::string>& ids) {
  parts_.consumer.revoke(ids, std::nullopt);
  parts_.revoked_changed();
  const auto& running = parts_.consumer.running();
  for (const std::string& id : ids) {
    const bool runs_here =
        std::ranges::any_of(running, [&](const Run* run) { return run->request.id() == id; });
    if (!runs_here && parts_.services.backend.stores_results()) {
      parts_.group.spawn(store_revoked(id));
    }
  }
}

Async<void> LocalControl::store_revoked(std::string id) {
  ResultBackend& backend = parts_.services.backend;
  const std::optional<protocol::ResultDocument> stored = co_await backend.load(id);
  if (!has_not_begun(stored)) co_return;
  protocol::ExceptionInfo exception;
  exception.type = "TaskRevokedError";
  exception.module = "celery.exceptions";
  exception.args.emplace_back("revoked");
  StoredState state;
  state.document.status = "REVOKED";
  state.document.result = exception.to_json();
  state.document.children = Json();
  state.document.date_done = wall_clock();
  state.document.task_id = std::move(id);
  co_await backend.store(std::move(state));
}

std::vector<std::string> LocalControl::terminate(const std::vector<std::string>& ids, int signal) {
  std::vector<std::string> known = parts_.consumer.revoke(ids, signal);
  for (const std::string& id : known) {
    log::write(log::Level::info, kLogger,
               "Terminating " + id + " (" + std::to_string(signal) + ")");
  }
  return known;
}

void LocalControl::merge_revoked(const std::vector<std::string>& ids) {
  parts_.consumer.revoke(ids, std::nullopt);
  parts_.revoked_changed();
}

WorkerControl::Stamps LocalControl::revoke_by_stamped_headers(const Stamps& headers,
                                                              std::optional<int> signal) {
  for (const auto& [name, values] : headers) {
    parts_.consumer.revoked_stamps().add(name, values);
  }
  Stamps matched;
  if (!signal) return matched;
  for (Run* run : parts_.consumer.running()) {
    for (const auto& [name, values] : headers) {
      const std::vector<Json> common = common_stamps(run->request.message, name, values);
      if (common.empty()) continue;
      auto& all = matched[name];
      all.insert(all.end(), common.begin(), common.end());
      run->terminate(*signal);
    }
  }
  return matched;
}

WorkerControl::Known LocalControl::set_rate_limit(const std::string& task,
                                                  const std::string& limit) {
  TaskType* type = parts_.types.find(task);
  if (!type) return Known::no;
  type->rate_limit = parse_rate_limit(limit);
  type->rate_limit_text = limit;
  parts_.consumer.rate_limit_changed(*type);
  return Known::yes;
}

WorkerControl::Known LocalControl::set_time_limits(const std::string& task,
                                                   std::optional<double> hard,
                                                   std::optional<double> soft) {
  TaskType* type = parts_.types.find(task);
  if (!type) return Known::no;
  if (hard && !parts_.services.pool.can_end(*type->definition)) {
    throw ConfigError(task +
                      " runs on a thread, which a hard time limit cannot end; set a soft one, or "
                      "run the worker with -P prefork");
  }
  type->time_limit = hard;
  type->soft_time_limit = soft;
  return Known::yes;
}

Async<void> LocalControl::add_consumer(protocol::Queue queue) {
  ConsumerSpec consumer;
  consumer.queue = parts_.services.queues.with_delayed_delivery(queue);
  consumer.prefetch = static_cast<std::uint16_t>(
      std::min<std::size_t>(parts_.consumer.prefetch(), std::numeric_limits<std::uint16_t>::max()));
  const bool known = std::ranges::any_of(
      active_queues_, [&](const protocol::Queue& active) { return active.name == queue.name; });
  if (known) co_return;
  active_queues_.push_back(std::move(queue));
  co_await parts_.services.broker.add_consumer(std::move(consumer));
}

Async<void> LocalControl::cancel_consumer(std::string queue) {
  const auto dropped = std::erase_if(
      active_queues_, [&](const protocol::Queue& active) { return active.name == queue; });
  if (dropped == 0) co_return;
  co_await parts_.services.broker.cancel_consumer(std::move(queue));
}

protocol::Queue LocalControl::queue_named(const std::string& name) const {
  return parts_.services.queues.named(name);
}

void LocalControl::resize_pool(std::size_t slots) {
  parts_.services.pool.resize(slots);
  parts_.consumer.resize(slots, slots * parts_.prefetch_multiplier);
  renew_consumers();
}

void LocalControl::renew_consumers() {
  for (const protocol::Queue& queue : active_queues_) {
    parts_.services.broker.renew_consumer(
        queue.name, static_cast<std::uint16_t>(std::min<std::size_t>(
                        parts_.consumer.prefetch(), std::numeric_limits<std::uint16_t>::max())));
  }
}

CommandResult LocalControl::pool_grow(int n) {
  if (n < 1) return {"ValueError('n must be at least 1')"};
  resize_pool(parts_.consumer.slots().capacity() + static_cast<std::size_t>(n));
  return {};
}

CommandResult LocalControl::pool_shrink(int n) {
  if (n < 1) return {"ValueError('n must be at least 1')"};
  const std::size_t slots = parts_.consumer.slots().capacity();
  if (static_cast<std::size_t>(n) >= slots) {
    return {"ValueError(\"Can't shrink pool to nothing; cancel its consumers to pause a worker\")"};
  }
  resize_pool(slots - static_cast<std::size_t>(n));
  return {};
}

std::optional<AutoscaleSnapshot> LocalControl::autoscaler() const {
  if (!autoscaler_) return std::nullopt;
  AutoscaleSnapshot snapshot;
  snapshot.max = static_cast<int>(autoscaler_->limits().max);
  snapshot.min = static_cast<int>(autoscaler_->limits().min);
  snapshot.current = static_cast<int>(autoscaler_->slots());
  snapshot.qty = static_cast<int>(parts_.consumer.active() + parts_.consumer.waiting().size());
  return snapshot;
}

CommandResult LocalControl::autoscale(std::optional<int> max, std::optional<int> min) {
  if (!autoscaler_) return {"ValueError('Autoscale not enabled')"};
  if (max.value_or(1) < 1 || min.value_or(0) < 0) {
    return {"ValueError('max must be at least 1 and min at least 0')"};
  }
  auto count = [](std::optional<int> value) {
    return value ? std::optional(static_cast<std::size_t>(*value)) : std::nullopt;
  };
  autoscaler_->update(count(max), count(min));
  // The window follows the most slots there can be, as in Celery.
  parts_.consumer.resize(autoscaler_->slots(),
                         autoscaler_->limits().max * parts_.prefetch_multiplier);
  renew_consumers();
  scale();
  return {};
}

void LocalControl::scale() {
  if (!autoscaler_) return;
  const std::size_t before = parts_.consumer.slots().capacity();
  const std::size_t after = autoscaler_->scale(
      parts_.consumer.active() + parts_.consumer.waiting().size(), parts_.services.loop.now());
  if (after == before) return;
  log::write(log::Level::info, "celery.worker.autoscale",
             after > before ? "Scaling up " + std::to_string(after - before) + " processes."
                            : "Scaling down " + std::to_string(before - after) + " processes.");
  parts_.services.pool.resize(after);
  parts_.consumer.resize(after, parts_.consumer.prefetch());
}

void LocalControl::shutdown(const std::string&) {
  parts_.warm_shutdown();
}

}  // namespace celeriac::worker
