#include "worker/remote/gossip.h"

#include <celeriac/error.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "worker/log/log.h"

namespace celeriac::worker {

namespace {

constexpr const char* kLogger = "celery.worker.consumer.gossip";
constexpr auto kCheckEvery = std::chrono::seconds(5);
// Elections that never came to an end must not pile up.
constexpr std::size_t kMaxElections = 1000;

// Celery's event state: silent for twice its own frequency is gone.
constexpr double kSilentPeriods = 2.0;

}  // namespace

Gossip::Gossip(const RemoteSettings& settings, std::string nodename, int pid, Loop& loop,
               EventDispatcher& events, LamportClock& clock, Elected elected)
    : settings_(settings),
      nodename_(std::move(nodename)),
      full_name_(nodename_ + "." + std::to_string(pid)),
      events_(events),
      clock_(clock),
      elected_(std::move(elected)),
      timer_(loop, [this] { forget_silent(); }) {}

ConsumerSpec Gossip::consumer(const std::string& oid) const {
  auto milliseconds = [](std::chrono::duration<double> duration) {
    return static_cast<std::int64_t>(duration.count() * 1000);
  };
  ConsumerSpec spec;
  spec.queue.name = settings_.event_queue_prefix + "." + oid;
  spec.queue.exchange.name = settings_.event_exchange;
  spec.queue.exchange.type = "topic";
  spec.queue.routing_key = "worker.#";
  spec.queue.durable = settings_.event_queue_durable;
  spec.queue.exclusive = settings_.event_queue_exclusive;
  spec.queue.auto_delete = !settings_.event_queue_durable;
  spec.queue.arguments.set("x-expires", milliseconds(settings_.event_queue_expires));
  spec.queue.arguments.set("x-message-ttl", milliseconds(settings_.event_queue_ttl));
  spec.queue.no_ack = true;
  spec.acknowledge = ConsumerSpec::Acknowledge::automatic;
  spec.group = ConsumerSpec::Group::control;
  return spec;
}

void Gossip::start() {
  timer_.start_repeating(kCheckEvery);
}
void Gossip::stop() {
  timer_.stop();
}

void Gossip::on_delivery(const Delivery& delivery) {
  Json event;
  try {
    event = parse_json(delivery.body);
  } catch (const MessageError& error) {
    log::write(log::Level::error, kLogger,
               std::string("event that cannot be read, ignored: ") + error.what());
    return;
  }
  const std::string type = event["type"].string_or("");
  if (type == "worker-elect") return on_elect(event);
  if (type == "worker-elect-ack") return on_elect_ack(event);
  if (event["hostname"].string_or("") == nodename_) {
    clock_.forward();
    return;
  }
  on_worker_event(event);
}

void Gossip::on_worker_event(const Json& event) {
  clock_.adjust(
      static_cast<std::uint64_t>(std::max<std::int64_t>(event["clock"].as_int().value_or(0), 0)));
  const std::string hostname = event["hostname"].string_or("");
  if (event["type"].string_or("") == "worker-offline") {
    neighbours_.erase(hostname);
    return;
  }
  Neighbour& neighbour = neighbours_[hostname];
  neighbour.last_heard = Clock::now();
  neighbour.frequency = std::chrono::duration<double>(event["freq"].as_double().value_or(60.0));
}

void Gossip::forget_silent() {
  const auto now = Clock::now();
  std::erase_if(neighbours_, [&](const auto& entry) {
    const auto& [hostname, neighbour] = entry;
    if (now - neighbour.last_heard < kSilentPeriods * neighbour.frequency) return false;
    log::write(log::Level::info, kLogger, "missed heartbeat from " + hostname);
    return true;
  });
}

void Gossip::elect(const Json& id, const Json& topic, const Json& action) {
  if (acks_.size() >= kMaxElections) acks_.erase(acks_.begin());
  acks_[id.string_or("")] = 0;
  events_.send("worker-elect",
               JsonObject{{"id", id}, {"topic", topic}, {"action", action}, {"cver", 1}});
}

void Gossip::on_elect(const Json& event) {
  if (candidates_.size() >= kMaxElections) candidates_.erase(candidates_.begin());
  candidates_[event["id"].string_or("")].push_back(
      {event["clock"].as_int().value_or(0),
       event["hostname"].string_or("") + "." + python_repr(event["pid"]),
       event["topic"].string_or(""), event["action"]});
  events_.send("worker-elect-ack", JsonObject{{"id", event["id"]}});
}

void Gossip::on_elect_ack(const Json& event) {
  const std::string id = event["id"].string_or("");
  auto acks = acks_.find(id);
  if (acks == acks_.end()) return;
  // We hear our own ack as well; the neighbours are those besides us.
  if (++acks->second < neighbours_.size() + 1) return;
  acks_.erase(acks);
  auto node = candidates_.extract(id);
  if (node.empty()) return;
  // The lowest clock wins, then the lowest name. One candidate is enough (Celery's worker
  // dies of that).
  const auto& all = node.mapped();
  const Candidate& winner = *std::min_element(all.begin(), all.end(), [](auto& a, auto& b) {
    return std::tie(a.clock, a.full_name) < std::tie(b.clock, b.full_name);
  });
  if (winner.full_name != full_name_) {
    log::write(log::Level::info, kLogger, "node " + winner.full_name + " elected for '" + id + "'");
    return;
  }
  log::write(log::Level::info, kLogger, "I won the election '" + id + "'");
  elected_(winner.topic, winner.action);
}

}  // namespace celeriac::worker
