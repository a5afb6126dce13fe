#include "worker/remote/remote.h"

#include <celeriac/error.h>
#include <unistd.h>

#include <ctime>
#include <utility>

#include "worker/log/log.h"

namespace celeriac::worker {

namespace {

constexpr const char* kMingleLogger = "celery.worker.consumer.mingle";
constexpr auto kMingleSilence = std::chrono::seconds(1);

// Hours west of UTC, as events carry it.
double utc_offset() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return static_cast<double>(-local.tm_gmtoff) / 3600;
}

protocol::EventSource event_source(const std::string& nodename) {
  return {nodename, getpid(), utc_offset()};
}

}  // namespace

Remote::Remote(RemoteSettings settings, RemoteParts parts)
    : settings_(std::move(settings)),
      parts_(std::move(parts)),
      oid_(parts_.new_id()),
      events_(settings_, event_source(parts_.nodename), parts_.origin, parts_.mutes, parts_.loop,
              parts_.group, parts_.broker, clock_, parts_.now),
      gossip_(settings_, parts_.nodename, getpid(), parts_.loop, events_, clock_,
              [this](const std::string& topic, const Json& action) {
                if (topic == "task") parts_.send_signature(action);
              }),
      panel_({parts_.nodename, parts_.worker, parts_.broker, events_, clock_, parts_.group,
              parts_.conf,
              [this](const Json& id, const Json& topic, const Json& action) {
                if (settings_.gossip) gossip_.elect(id, topic, action);
              },
              Clock::now()}),
      mailbox_(settings_, parts_.nodename, parts_.group, parts_.broker, clock_, panel_),
      heartbeat_(settings_, parts_.loop, events_, parts_.worker),
      mingle_timer_(parts_.loop, [this] { end_mingle(); }) {}

std::vector<ConsumerSpec> Remote::consumers() const {
  std::vector<ConsumerSpec> specs;
  if (settings_.enable_remote_control) specs.push_back(mailbox_.consumer());
  if (settings_.gossip) specs.push_back(gossip_.consumer(oid_));
  if (settings_.mingle) specs.push_back(mailbox_.reply_consumer(oid_));
  return specs;
}

bool Remote::take(const Delivery& delivery) {
  const std::string& queue = delivery.info.queue;
  if (queue == mailbox_.queue_name()) {
    mailbox_.on_delivery(delivery);
    return true;
  }
  if (settings_.gossip && queue == gossip_.consumer(oid_).queue.name) {
    gossip_.on_delivery(delivery);
    return true;
  }
  if (settings_.mingle && queue == mailbox_.reply_consumer(oid_).queue.name) {
    on_hello_reply(delivery);
    return true;
  }
  return false;
}

void Remote::on_consuming() {
  heartbeat_.start();
  if (settings_.gossip) gossip_.start();
  if (settings_.mingle) say_hello();
}

void Remote::on_stopping() {
  gossip_.stop();
  mingle_timer_.stop();
  events_.flush();
  heartbeat_.stop();
}

void Remote::on_drained() {
  events_.flush();
}

void Remote::say_hello() {
  log::write(log::Level::info, kMingleLogger, "mingle: searching for neighbors");
  Json::Array revoked;
  for (std::string& id : parts_.worker.revoked()) revoked.emplace_back(std::move(id));
  mingled_ = 0;
  mailbox_.broadcast("hello",
                     JsonObject{{"from_node", parts_.nodename}, {"revoked", std::move(revoked)}},
                     parts_.new_id(), oid_);
  mingle_timer_.start(kMingleSilence);
}

void Remote::on_hello_reply(const Delivery& delivery) {
  Json replies;
  try {
    replies = parse_json(delivery.body);
  } catch (const MessageError& error) {
    log::write(log::Level::error, kMingleLogger,
               std::string("mingle: reply that cannot be read, ignored: ") + error.what());
    return;
  }
  const JsonObject* nodes = replies.as_object();
  if (!nodes) return;
  for (const auto& [nodename, reply] : *nodes) {
    if (nodename == parts_.nodename || !reply.is_object()) continue;
    ++mingled_;
    clock_.adjust(
        static_cast<std::uint64_t>(std::max<std::int64_t>(reply["clock"].as_int().value_or(0), 0)));
    std::vector<std::string> ids;
    if (const Json::Array* list = reply["revoked"].as_array()) {
      for (const Json& id : *list) ids.push_back(id.string_or(""));
    } else if (const JsonObject* table = reply["revoked"].as_object()) {
      for (const auto& [id, stamp] : *table) ids.push_back(id);
    }
    parts_.worker.merge_revoked(ids);
  }
  mingle_timer_.start(kMingleSilence);
}

void Remote::end_mingle() {
  if (mingled_ == 0) {
    log::write(log::Level::info, kMingleLogger, "mingle: all alone");
    return;
  }
  log::write(log::Level::info, kMingleLogger,
             "mingle: sync with " + std::to_string(mingled_) + " nodes");
  log::write(log::Level::info, kMingleLogger, "mingle: sync complete");
}

}  // namespace celeriac::worker
