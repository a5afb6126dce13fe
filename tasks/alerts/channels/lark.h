// Lark's and Feishu's custom bots: the message as text, post or card, signed, within 20 KB; and
// what their answers mean, which are errors inside HTTP 200. Pure.
#pragma once

#include "tasks/alerts/channels/reply.h"
#include "tasks/alerts/digest.h"

namespace celeriac::alerts {

// The time is part of the signature and may be an hour off: make a new one for each attempt.
Post lark_post(const Channel& channel, Channel::Format format, const Digest& digest, Time now);

// Accepted is only 2xx with `code` 0, or without `code` with `StatusCode` 0.
Answer judge_lark(const Channel& channel, const HttpResponse& reply, Time now);

}  // namespace celeriac::alerts
