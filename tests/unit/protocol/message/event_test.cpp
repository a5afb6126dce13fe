#include "protocol/message/event.h"

#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

TEST(Event, CarriesItsSourceItsFieldsAndItsType) {
  const EventSource source{.hostname = "w1@host1", .pid = 21626, .utcoffset = -5.5};
  const Json event = make_event(source, "task-started", {{"uuid", "d454"}}, 18,
                                *parse_iso8601("2026-11-23T00:37:32.500000+00:00"));
  EXPECT_EQ(dump_json(event),
            R"({"hostname": "w1@host1", "utcoffset": -5.5, "pid": 21626, "clock": 18, )"
            R"("uuid": "d454", "timestamp": 1795394252.5, "type": "task-started"})");
}

TEST(Event, IsRoutedByItsType) {
  EXPECT_EQ(event_routing_key("task-received"), "task.received");
  EXPECT_EQ(event_routing_key("worker-elect-ack"), "worker.elect.ack");
}

}  // namespace
}  // namespace celeriac::protocol
