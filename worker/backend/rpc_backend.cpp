#include "worker/backend/rpc_backend.h"

#include <celeriac/error.h>

#include <utility>

#include "worker/log/log.h"

namespace celeriac::worker {

Async<void> RpcBackend::store(StoredState state) {
  if (state.reply_to.empty()) co_return;
  Publication publication;
  publication.routing_key = state.reply_to;
  publication.properties.content_type = "application/json";
  publication.properties.content_encoding = "utf-8";
  publication.properties.delivery_mode = static_cast<std::uint8_t>(mode_);
  publication.properties.priority = 0;
  publication.properties.correlation_id =
      state.correlation_id.empty() ? state.document.task_id : state.correlation_id;
  publication.body = protocol::encode_result(state.document);
  publication.routed = Routed::may;
  try {
    co_await broker_.publish(std::move(publication));
  } catch (const Error& error) {
    log::write(log::Level::error, "celery.backends.rpc",
               "The result of task " + state.document.task_id + " could not be sent to queue " +
                   state.reply_to + ": " + error.what());
  }
}

Async<std::optional<protocol::ResultDocument>> RpcBackend::load(std::string) {
  co_return std::nullopt;
}

Async<void> RpcBackend::set_chord_size(protocol::SetChordSize) {
  throw Error(
      "the result backend rpc:// cannot count a chord; use a redis:// result backend for chords");
  co_return;
}

Async<void> RpcBackend::save_group(protocol::SaveGroup) {
  co_return;
}

Async<std::optional<std::vector<ChordMember>>> RpcBackend::add_chord_part(protocol::ChordPart) {
  co_return std::nullopt;
}

Async<void> RpcBackend::forget_chord(std::string) {
  co_return;
}
Async<void> RpcBackend::give_up_chord(std::string) {
  co_return;
}
Async<Json> RpcBackend::load_group(std::string) {
  co_return Json();
}
Async<void> RpcBackend::grow_chord(std::string) {
  co_return;
}

}  // namespace celeriac::worker
