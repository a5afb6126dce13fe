#include "worker/consumer/consumer.h"

#include <algorithm>

#include "protocol/message/carried_headers.h"
#include "worker/consumer/delayed_queue.h"
#include "worker/consumer/delivery_log.h"
#include "worker/execution/exception.h"
#include "worker/execution/wall_clock.h"
#include "worker/log/log.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConsumer = "celery.worker.consumer.consumer";
constexpr std::string_view kStrategy = "celery.worker.strategy";

// A wall clock may be set while we wait; look at it at least this often.
constexpr Clock::duration kLongestWait = 60s;

// basic.qos has 16 bits; beyond them Celery asks for no bound at all.
std::uint16_t qos(std::size_t prefetch) {
  return prefetch > 65535 ? std::uint16_t{0} : static_cast<std::uint16_t>(prefetch);
}

std::string text_header(const protocol::Properties& properties, std::string_view name) {
  const Json* value = properties.headers.find(name);
  return value ? value->string_or("") : "";
}

// Enough of a message whose task nobody has to report its failure.
protocol::TaskMessage head_of(const Delivery& delivery) {
  protocol::TaskMessage message;
  message.task = text_header(delivery.properties, "task");
  message.id = text_header(delivery.properties, "id");
  message.root_id = text_header(delivery.properties, "root_id");
  message.reply_to = delivery.properties.reply_to;
  message.correlation_id = delivery.properties.correlation_id;
  return message;
}

RefusedMessage as_received(const Delivery& delivery) {
  return {{}, delivery.properties, delivery.info, delivery.body};
}

// Of a message that is published a second time. RabbitMQ before 4 drops what a cycle seems to lead
// through; CC and BCC would send it elsewhere again, and `user_id` is only taken from that user.
protocol::Properties republished(protocol::Properties properties) {
  JsonObject kept;
  for (const auto& [name, value] : properties.headers) {
    if (!protocol::is_written_by_broker(name) && name != "CC" && name != "BCC") {
      kept.set(name, value);
    }
  }
  properties.headers = std::move(kept);
  properties.user_id.clear();
  return properties;
}

void warn_of_direct_exchanges(const Queues& queues) {
  for (const protocol::Queue& queue : queues.consumed()) {
    if (!queue.is_quorum() || queues.is_delayed_natively(queue)) continue;
    log::write(log::Level::warning, "celery.worker.consumer.delayed_delivery",
               "Exchange " + queue.exchange.name + " of queue " + queue.name +
                   " is a direct exchange, which native delayed delivery does not reach: tasks "
                   "with an eta wait in the workers. Make it a topic exchange.");
  }
}

// Null where results are kept elsewhere.
RedisClient* redis_of_results(Services& services) {
  try {
    return &services.redis.at("");
  } catch (const ConfigError&) {
    return nullptr;
  }
}

void log_escaped(std::exception_ptr error) {
  log::write(log::Level::critical, kConsumer,
             "A task could not be brought to its end: " + describe_exception(error).repr());
}

}  // namespace

Consumer::Consumer(Services& services, TaskTypes& types, const ConsumerSettings& settings,
                   std::size_t concurrency, Listener& listener)
    : services_(services),
      types_(types),
      settings_(settings),
      listener_(listener),
      accepted_{settings.accept_content},
      trace_(services),
      windows_(concurrency * settings.prefetch_multiplier),
      slots_(concurrency, [this] { start_waiting(); }),
      eta_timer_(services.loop, [this] { release_due(); }),
      rate_timer_(services.loop, [this] { release_rated(); }),
      recently_ended_(std::max<std::size_t>(4096, 2 * concurrency)),
      redeliveries_(redis_of_results(services), services.results.global_keyprefix, services.broker),
      fetcher_(services.broker, runs_, [this] { return free_slots(); }),
      runs_(services.loop, log_escaped) {}

void Consumer::start() {
  std::vector<ConsumerSpec> consumers;
  for (const protocol::Queue& queue : services_.queues.consumed()) {
    ConsumerSpec consumer;
    consumer.queue = queue;
    consumer.prefetch = qos(windows_.prefetch());
    consumers.push_back(std::move(consumer));
  }
  for (ConsumerSpec& consumer : listener_.other_consumers()) {
    consumers.push_back(std::move(consumer));
  }
  services_.broker.declare_delayed_delivery(services_.queues.delayed_delivery());
  warn_of_direct_exchanges(services_.queues);
  services_.broker.start(*this, std::move(consumers));
}

void Consumer::close() {
  closed_ = true;
}

Async<void> Consumer::drain() {
  co_await runs_.join();
}

void Consumer::abandon_all() {
  closed_ = true;
  runs_.cancel_all();
}

void Consumer::on_consuming() {
  fetcher_.look_again();
  listener_.consuming();
}

void Consumer::on_unrecoverable(const std::string& reason) {
  listener_.unrecoverable(reason);
}

// What has not been started comes again from the broker.
void Consumer::on_connection_lost(const std::string& reason) {
  listener_.connection_lost(reason);
  if (settings_.disable_prefetch) fetcher_.connection_lost();
  for (const TaskRequestPtr& request : waiting_) redeliveries_.expect(request->message);
  waiting_.clear();
  for (const TaskRequestPtr& request : eta_queue_.take_all()) {
    redeliveries_.expect(request->message);
  }
  for (const TaskRequestPtr& request : rate_limiter_.take_all()) {
    redeliveries_.expect(request->message);
  }
  held_ = {};
  windows_ = Windows(windows_.prefetch());
}

void Consumer::on_delivery(Delivery&& delivery) {
  if (listener_.take(delivery)) return;
  if (closed_) return;
  if (!delivery.malformed.empty()) {
    refuse(delivery, MessageError(MessageError::Kind::invalid, delivery.malformed));
    return;
  }
  if (delivery.oversized > 0) {
    refuse(delivery, MessageError(MessageError::Kind::invalid,
                                  "its body of " + std::to_string(delivery.oversized) +
                                      " bytes is larger than this worker takes"));
    return;
  }
  try {
    decode(delivery);
  } catch (const MessageError& error) {
    refuse(delivery, error);
  }
}

void Consumer::decode(Delivery& delivery) {
  if (protocol::names_its_task(delivery.properties) &&
      !types_.find(text_header(delivery.properties, "task"))) {
    refuse_unregistered(delivery, head_of(delivery));
    return;
  }
  auto decoded =
      protocol::decode_task_message(std::move(delivery.properties), delivery.body, accepted_);
  auto* message = std::get_if<protocol::TaskMessage>(&decoded);
  if (!message) {
    log::write(log::Level::warning, kConsumer, unknown_text(as_received(delivery)));
    services_.broker.settle(delivery.ref, Verdict::reject);
    return;
  }
  TaskType* type = types_.find(message->task);
  if (!type) {
    refuse_unregistered(delivery, std::move(*message));
    return;
  }
  if (delivery.info.redelivered && settle_redelivered(*message, delivery)) return;
  if (!keeps(delivery)) return;
  receive(std::move(*message), delivery, *type);
}

void Consumer::refuse(const Delivery& delivery, const MessageError& error) {
  if (error.kind() == MessageError::Kind::undecodable) {
    log::write(log::Level::critical, kConsumer,
               undecodable_text(error.what(), as_received(delivery)));
    services_.broker.settle(delivery.ref, Verdict::ack);
  } else {
    log::write(log::Level::error, kConsumer, invalid_text(error.what(), as_received(delivery)));
    services_.broker.settle(delivery.ref, Verdict::reject);
  }
}

void Consumer::refuse_unregistered(const Delivery& delivery, protocol::TaskMessage message) {
  log::write(log::Level::error, kConsumer,
             unregistered_text(
                 message.task,
                 {message.id,
                  message.properties.headers.empty() ? delivery.properties : message.properties,
                  delivery.info, delivery.body}));
  runs_.spawn(trace_.refuse_unregistered(std::move(message), delivery.info, delivery.ref));
}

// A message that ran here, or still runs, when its connection was lost: it shares the fate of
// that run.
bool Consumer::settle_redelivered(const protocol::TaskMessage& message, const Delivery& delivery) {
  for (Run* run : running_) {
    TaskRequest& request = run->request;
    if (request.connection() < delivery.ref.connection && request.id() == message.id &&
        request.message.retries == message.retries) {
      request.adopt(delivery.ref);
      return true;
    }
  }
  const auto verdict = recently_ended_.find(message, delivery.ref.connection);
  if (!verdict || *verdict == Verdict::requeue) return false;
  services_.broker.settle(delivery.ref, *verdict);
  return true;
}

// The window is what the slots are, or may grow to (--autoscale), since it is that wide without
// prefetch.
std::size_t Consumer::free_slots() const {
  const std::size_t taken = slots_.used() + waiting_.size();
  if (services_.backend.saturated() || taken >= windows_.prefetch()) return 0;
  return windows_.prefetch() - taken;
}

// Without prefetch, what finds no free slot goes back to its queue, unless that would send it again
// at once (an auto-delete queue is consumed all the time) or count it as a failed delivery.
bool Consumer::keeps(const Delivery& delivery) {
  if (!settings_.disable_prefetch || fetcher_.keeps(delivery.info)) return true;
  const protocol::Queue* queue = services_.queues.find(delivery.info.queue);
  if (queue && (queue->auto_delete || queue->is_quorum())) return true;
  services_.broker.settle(delivery.ref, Verdict::requeue);
  return false;
}

bool Consumer::has_room(std::size_t bytes) const {
  return held_.messages < settings_.held_messages && held_.bytes + bytes <= settings_.held_bytes;
}

void Consumer::receive(protocol::TaskMessage&& message, Delivery& delivery, TaskType& type) {
  if (log::enabled(log::Level::info)) {
    log::write(log::Level::info, kStrategy, "Task " + subject(message) + " received",
               {message.name(), message.id});
  }
  const Clock::time_point steady_now = services_.loop.now();
  const bool timed = message.eta || message.expires;
  const protocol::Timestamp now = timed ? wall_clock() : protocol::Timestamp();
  const std::optional<Discard> why = discards(message, revoked_, now, steady_now);
  if (!why) {
    for (TaskObserver* observer : services_.observers) {
      observer->task_received(message, delivery.info);
    }
  }
  const std::size_t bytes = delivery.body.size();
  const Admission admission =
      why ? Admission::run : admit(message.eta, now, held_, bytes, settings_);
  const bool limited = !why && admission == Admission::run && !settings_.disable_rate_limits &&
                       !rate_limiter_.admits(type, steady_now);
  if (admission == Admission::delay_at_broker) {
    const auto wait = std::chrono::floor<std::chrono::seconds>(*message.eta - now);
    runs_.spawn(delay_at_broker(std::move(message), std::move(delivery), wait));
    return;
  }
  if (limited) {
    // Not for longer than that, since the limit may be raised.
    const auto wait = rate_limiter_.wait_of_next(type);
    if (!has_room(bytes) || wait > settings_.eta_hold_limit) {
      const auto shorter = std::min(wait, settings_.eta_hold_limit);
      runs_.spawn(delay_at_broker(std::move(message), std::move(delivery), shorter));
      return;
    }
  }
  auto request = std::make_unique<TaskRequest>(std::move(message), std::move(delivery), type);
  request->consumer_generation = windows_.generation(request->delivery_info.queue);
  if (why) {
    runs_.spawn(discard(std::move(request), *why));
  } else if (admission == Admission::hold_for_eta) {
    hold_until_eta(std::move(request));
  } else if (limited) {
    hold_for_rate(std::move(request));
  } else {
    run_soon(std::move(request));
  }
}

void Consumer::count_held(const TaskRequest& request) {
  ++held_.messages;
  held_.bytes += request.bytes;
  const std::string& queue = request.delivery_info.queue;
  if (windows_.held(queue) == Windows::Room::renew && !settings_.disable_prefetch) {
    services_.broker.renew_consumer(queue, qos(windows_.prefetch()));
  }
}

void Consumer::count_released(const TaskRequest& request) {
  --held_.messages;
  held_.bytes -= request.bytes;
  windows_.released(request.delivery_info.queue, request.consumer_generation);
}

void Consumer::hold_until_eta(TaskRequestPtr request) {
  count_held(*request);
  eta_queue_.hold(std::move(request));
  set_eta_timer();
}

void Consumer::set_eta_timer() {
  const std::optional<protocol::Timestamp> next = eta_queue_.next();
  if (!next) {
    eta_timer_.stop();
    return;
  }
  const auto wait = std::max<Clock::duration>(*next - wall_clock(), Clock::duration::zero());
  eta_timer_.start(std::min(wait, kLongestWait));
}

void Consumer::release_due() {
  for (TaskRequestPtr& request : eta_queue_.due(wall_clock())) {
    const TaskType& type = request->type;
    if (!settings_.disable_rate_limits && !rate_limiter_.admits(type, services_.loop.now())) {
      rate_limiter_.hold(std::move(request));  // it is counted as held already
      set_rate_timer();
      continue;
    }
    count_released(*request);
    run_soon(std::move(request));
  }
  set_eta_timer();
}

void Consumer::hold_for_rate(TaskRequestPtr request) {
  count_held(*request);
  rate_limiter_.hold(std::move(request));
  set_rate_timer();
}

void Consumer::set_rate_timer() {
  const Clock::time_point now = services_.loop.now();
  const std::optional<Clock::time_point> next = rate_limiter_.next_release(now);
  if (next) {
    rate_timer_.start(*next - now);
  } else {
    rate_timer_.stop();
  }
}

void Consumer::release_rated() {
  for (TaskRequestPtr& request : rate_limiter_.release(services_.loop.now())) {
    count_released(*request);
    run_soon(std::move(request));
  }
  set_rate_timer();
}

void Consumer::resize(std::size_t slots, std::size_t prefetch) {
  slots_.resize(slots);
  windows_.set_prefetch(prefetch);
  start_waiting();
}

void Consumer::rate_limit_changed(const TaskType& type) {
  rate_limiter_.limit_changed(type);
  release_rated();
}

void Consumer::run_soon(TaskRequestPtr request) {
  request->stage = TaskRequest::Stage::reserved;
  waiting_.push_back(std::move(request));
  start_waiting();
}

void Consumer::start_waiting() {
  while (!closed_ && !waiting_.empty() && slots_.free() && !services_.backend.saturated()) {
    TaskRequestPtr request = std::move(waiting_.front());
    waiting_.pop_front();
    start(std::move(request));
  }
  fetcher_.look_again();
}

// Asked again when it is about to run; its stamps count only then, as in Celery.
std::optional<Discard> Consumer::discards_now(const TaskRequest& request) const {
  const protocol::TaskMessage& message = request.message;
  const protocol::Timestamp now = message.expires ? wall_clock() : protocol::Timestamp();
  if (auto why = discards(message, revoked_, now, services_.loop.now())) return why;
  if (revoked_stamps_.matches(message)) return Discard::revoked;
  return std::nullopt;
}

void Consumer::start(TaskRequestPtr request) {
  if (const auto why = discards_now(*request)) {
    runs_.spawn(discard(std::move(request), *why));
    return;
  }
  runs_.spawn(run_to_end(std::move(request), slots_.take()));
}

namespace {

// Among the running as long as it lives.
class Listed {
 public:
  Listed(std::vector<Run*>& running, Run& run) : running_(running), run_(run) {
    run_.position = running_.size();
    running_.push_back(&run_);
  }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;
  ~Listed() {
    running_[run_.position] = running_.back();
    running_[run_.position]->position = run_.position;
    running_.pop_back();
  }

 private:
  std::vector<Run*>& running_;
  Run& run_;
};

}  // namespace

Async<void> Consumer::run_to_end(TaskRequestPtr request, Slots::Lease slot) {
  {
    Run run(*request);
    const Listed listed(running_, run);
    ++processed_;
    if (request->delivery_info.redelivered && settings_.delivery_limit > 0) {
      co_await run_again(run, std::move(slot));
    } else {
      co_await trace_.run(run, std::move(slot));
    }
  }
  if (const auto verdict = request->verdict()) {
    if (*verdict == Verdict::requeue) {
      redeliveries_.expect(request->message);
    } else if (request->delivery_info.redelivered) {
      redeliveries_.forget(request->message);
    }
    recently_ended_.add(*request, *verdict);
  }
  start_waiting();  // the backend may have made room
}

// Whatever ran it before may be lost because of it.
Async<void> Consumer::run_again(Run& run, Slots::Lease slot) {
  const std::int64_t deliveries =
      co_await redeliveries_.count(run.request, settings_.delivery_limit);
  if (deliveries < settings_.delivery_limit) {
    co_await trace_.run(run, std::move(slot));
    co_return;
  }
  slot.give_back();
  std::string why = "Delivered " + std::to_string(deliveries) +
                    " times without coming to an end (worker_delivery_limit is " +
                    std::to_string(settings_.delivery_limit) + ").";
  co_await trace_.give_up(run, std::move(why));
}

Async<void> Consumer::discard(TaskRequestPtr request, Discard why) {
  // As Celery: an expired id counts as revoked from now on.
  if (why == Discard::expired) revoked_.add(request->id(), services_.loop.now());
  co_await trace_.discard(*request, why);
}

// Published and confirmed before the original is acknowledged. If that fails the original stays
// unacknowledged, so it is not lost either.
Async<void> Consumer::delay_at_broker(protocol::TaskMessage message, Delivery delivery,
                                      std::chrono::seconds wait) {
  protocol::Queue queue = delayed_queue(delivery.info.queue, wait);
  Publication publication;
  publication.routing_key = queue.name;
  publication.properties = republished(std::move(message.properties));
  publication.body = std::move(delivery.body);
  publication.declare_queues.push_back(std::move(queue));
  co_await services_.broker.publish(std::move(publication));
  services_.broker.settle(delivery.ref, Verdict::ack);
}

std::vector<std::string> Consumer::revoke(const std::vector<std::string>& ids,
                                          std::optional<int> signal) {
  std::vector<std::string> known;
  for (const std::string& id : ids) {
    revoked_.add(id, services_.loop.now());
    for (Run* run : running_) {
      if (run->request.id() != id) continue;
      known.push_back(id);
      if (signal) run->terminate(*signal);
    }
    TaskRequestPtr request = eta_queue_.take(id);
    if (!request) request = rate_limiter_.take(id);
    if (request) {
      count_released(*request);
    } else {
      const auto place = std::ranges::find_if(
          waiting_, [&](const TaskRequestPtr& waiting) { return waiting->id() == id; });
      if (place == waiting_.end()) continue;
      request = std::move(*place);
      waiting_.erase(place);
    }
    known.push_back(id);
    runs_.spawn(discard(std::move(request), Discard::revoked));
  }
  return known;
}

}  // namespace celeriac::worker
