#include "worker/consumer/strategy.h"

namespace celeriac::worker {

std::optional<Discard> discards(const protocol::TaskMessage& message, const Revoked& revoked,
                                protocol::Timestamp now, Clock::time_point steady_now) {
  if (message.expires && now > *message.expires) return Discard::expired;
  if (revoked.contains(message.id, steady_now)) return Discard::revoked;
  return std::nullopt;
}

Admission admit(const std::optional<protocol::Timestamp>& eta, protocol::Timestamp now,
                const Held& held, std::size_t message_bytes, const ConsumerSettings& settings) {
  if (!eta || *eta <= now) return Admission::run;
  const bool room =
      held.messages < settings.held_messages && held.bytes + message_bytes <= settings.held_bytes;
  if (!room || *eta - now > settings.eta_hold_limit) return Admission::delay_at_broker;
  return Admission::hold_for_eta;
}

}  // namespace celeriac::worker
