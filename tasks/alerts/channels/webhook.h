// A plain webhook: Alertmanager's payload (version 4), so that receivers made for it work. Pure.
#pragma once

#include "tasks/alerts/channels/reply.h"
#include "tasks/alerts/digest.h"

namespace celeriac::alerts {

// `id` is the same in every attempt to tell these alarms, so that a receiver can drop a repetition.
Post webhook_post(const Channel& channel, const Digest& digest, const std::string& id, Time now);

// Accepted is any 2xx.
Answer judge_webhook(const Channel& channel, const HttpResponse& reply, Time now);

}  // namespace celeriac::alerts
