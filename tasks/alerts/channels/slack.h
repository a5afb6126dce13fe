// Slack's incoming webhooks. Pure.
#pragma once

#include "tasks/alerts/channels/reply.h"
#include "tasks/alerts/digest.h"

namespace celeriac::alerts {

// A header, a section for each group, and the text that notifications show.
Post slack_post(const Digest& digest);

// Accepted is HTTP 200 with the bare text `ok`.
Answer judge_slack(const Channel& channel, const HttpResponse& reply, Time now);

}  // namespace celeriac::alerts
