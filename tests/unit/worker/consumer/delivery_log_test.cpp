#include "worker/consumer/delivery_log.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

class DeliveryLog : public testing::Test {
 protected:
  DeliveryLog() {
    properties.content_type = "application/json";
    properties.content_encoding = "utf-8";
    properties.headers.set("id", "T-1");
    info.queue = "alerts";
    info.routing_key = "key";
  }

  RefusedMessage message(std::string_view body) const { return {{}, properties, info, body}; }

  protocol::Properties properties;
  protocol::DeliveryInfo info;
};

TEST_F(DeliveryLog, NamesCauseIdQueueAndContents) {
  EXPECT_EQ(undecodable_text("not JSON", message("{")),
            "Can't decode message body: not JSON; id: T-1 queue: alerts exchange: '' "
            "routing_key: 'key' content_type: 'application/json' content_encoding: 'utf-8' "
            "headers: {'id': 'T-1'} body: '{' (1b)");
}

TEST_F(DeliveryLog, TheIdOfABodyComesBeforeThatOfTheHeaders) {
  const RefusedMessage first_protocol{"V1", properties, info, "{}"};
  EXPECT_NE(unregistered_text("no.such", first_protocol).find(" id: V1 queue: alerts "),
            std::string::npos);
}

TEST_F(DeliveryLog, AMissingIdIsAQuestionMark) {
  properties.headers = {};
  EXPECT_NE(invalid_text("no id", message("")).find(" id: ? queue: alerts "), std::string::npos);
}

TEST_F(DeliveryLog, IsOneShortLineWhateverWasSent) {
  const std::string flood(1'000'000, '\n');
  properties.headers.set("id", flood);
  properties.content_type = std::string(200, '\0');
  for (const std::string& text :
       {undecodable_text("cause", message(flood)), unknown_text(message(flood)),
        unregistered_text(flood, message(flood)), invalid_text("cause", message(flood))}) {
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_LT(text.size(), 12'000u);
    EXPECT_NE(text.find("(1000000b)"), std::string::npos);
  }
}

}  // namespace
}  // namespace celeriac::worker
