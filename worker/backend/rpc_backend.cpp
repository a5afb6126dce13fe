#include "worker/backend/rpc_backend.h"

#include <celeriac/error.h>

#include <utility>

#include "protocol/serialization/serializer.h"
#include "worker/log/log.h"

namespace celeriac::worker {

namespace {

constexpr std::string_view kLogger = "celery.backends.rpc";
constexpr std::uint8_t kTransient = 1, kPersistent = 2;

}  // namespace

// Among the waiting as long as it lives.
class RpcBackend::Waiter {
 public:
  Waiter(RpcBackend& backend, const std::string& task_id)
      : backend_(backend),
        told_(backend.loop_),
        place_(backend.waiting_.emplace(task_id, &told_)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { backend_.waiting_.erase(place_); }

  Pending<protocol::ResultDocument> told() { return told_.pending(); }

 private:
  RpcBackend& backend_;
  Completion<protocol::ResultDocument> told_;
  decltype(RpcBackend::waiting_)::iterator place_;
};

RpcBackend::RpcBackend(Loop& loop, Broker& broker, const ResultSettings& settings,
                       std::string reply_queue)
    : loop_(loop),
      broker_(broker),
      expires_(settings.expires),
      delivery_mode_(settings.persistent ? kPersistent : kTransient),
      serializer_(settings.serializer),
      accepted_(settings.accept_content),
      reply_queue_(std::move(reply_queue)),
      kept_(KeptResults::Bounds()) {
  if (!settings.compression.empty()) {
    log::write(log::Level::warning, kLogger,
               "rpc:// cannot store compressed payloads, so the result_compression setting is "
               "ignored and results are sent uncompressed.");
  }
}

Async<void> RpcBackend::store(StoredState state) {
  if (state.reply_to.empty()) co_return;
  protocol::Payload payload =
      protocol::serialize(protocol::result_to_json(state.document), serializer_);
  Publication publication;
  publication.routing_key = state.reply_to;
  publication.properties.content_type = std::move(payload.content_type);
  publication.properties.content_encoding = std::move(payload.content_encoding);
  publication.body = std::move(payload.body);
  publication.properties.delivery_mode = delivery_mode_;
  publication.properties.priority = 0;
  publication.properties.correlation_id =
      state.correlation_id.empty() ? state.document.task_id : state.correlation_id;
  publication.routed = Routed::may;
  try {
    co_await broker_.publish(std::move(publication));
    ++writes_.stored;
  } catch (const Error& error) {
    ++writes_.refused;
    log::write(log::Level::error, kLogger,
               "The result of task " + state.document.task_id + " could not be sent to queue " +
                   state.reply_to + ": " + error.what());
  }
}

Async<std::optional<protocol::ResultDocument>> RpcBackend::load(std::string) {
  co_return std::nullopt;
}

Async<protocol::ResultDocument> RpcBackend::wait(std::string task_id) {
  if (const protocol::ResultDocument* known = kept_.find(task_id)) co_return *known;
  Waiter waiter(*this, task_id);
  Pending<protocol::ResultDocument> told = waiter.told();
  co_return co_await std::move(told);
}

// As a client of Celery declares it (Celery 5.7, backends/rpc.py binding).
std::vector<ConsumerSpec> RpcBackend::consumers() const {
  ConsumerSpec spec;
  spec.queue.name = reply_queue_;
  spec.queue.auto_delete = true;
  if (expires_.count() > 0) {
    spec.queue.arguments.set("x-expires", std::int64_t{1000} * expires_.count());
  }
  spec.acknowledge = ConsumerSpec::Acknowledge::automatic;
  spec.group = ConsumerSpec::Group::control;
  std::vector<ConsumerSpec> specs;
  specs.push_back(std::move(spec));
  return specs;
}

bool RpcBackend::take(const Delivery& delivery) {
  if (delivery.info.queue != reply_queue_) return false;
  try {
    arrived(delivery);
  } catch (const MessageError& error) {
    log::write(log::Level::error, kLogger,
               std::string("a reply that is no result was dropped: ") + error.what());
  }
  return true;
}

void RpcBackend::arrived(const Delivery& delivery) {
  protocol::require_accepted(delivery.properties.content_type, accepted_);
  std::optional<Json> document =
      protocol::deserialize(delivery.properties.content_type, delivery.body);
  protocol::ResultDocument result =
      protocol::result_from_json(std::move(document).value_or(Json()));
  if (!protocol::is_ready_state(result.status)) return;
  const auto [first, last] = waiting_.equal_range(result.task_id);
  for (auto waiter = first; waiter != last; ++waiter) waiter->second->complete(result);
  kept_.add(std::move(result), delivery.body.size());
}

Async<void> RpcBackend::set_chord_size(protocol::SetChordSize) {
  co_return;
}

Async<void> RpcBackend::save_group(protocol::SaveGroup) {
  co_return;
}

Async<std::optional<CompleteChord>> RpcBackend::add_chord_part(protocol::ChordPart) {
  co_return std::nullopt;
}

Async<bool> RpcBackend::keep_chord_claim(ChordClaim) {
  co_return false;
}
Async<void> RpcBackend::forget_chord(ChordClaim) {
  co_return;
}
Async<void> RpcBackend::give_up_chord(std::string) {
  co_return;
}
Async<void> RpcBackend::grow_chord(std::string) {
  co_return;
}

}  // namespace celeriac::worker
