#include "worker/broker/amqp/properties.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::worker::amqp {
namespace {

protocol::Properties all_properties() {
  protocol::Properties properties;
  properties.content_type = "application/json";
  properties.content_encoding = "utf-8";
  properties.headers = {{"task", Json("tasks.add")}, {"retries", Json(0)}};
  properties.delivery_mode = 2;
  properties.priority = 0;
  properties.correlation_id = "id";
  properties.reply_to = "reply";
  properties.expiration = "1000";
  properties.message_id = "message";
  properties.timestamp = 1234567890;
  properties.type = "type";
  properties.user_id = "guest";
  properties.app_id = "app";
  properties.cluster_id = "cluster";
  return properties;
}

TEST(Properties, ReadsBackWhatItWrote) {
  const protocol::Properties properties = all_properties();
  const PropertiesView view(properties);
  const DecodedProperties decoded = decode_properties(view.get());
  EXPECT_EQ(decoded.properties, properties);
  EXPECT_EQ(decoded.malformed, "");
}

TEST(Properties, LeavesOutWhatIsAbsent) {
  const protocol::Properties properties;
  const PropertiesView view(properties);
  EXPECT_EQ(view.get()._flags, AMQP_BASIC_HEADERS_FLAG);
  EXPECT_EQ(decode_properties(view.get()).properties, properties);
}

TEST(Properties, AnAbsentHeaderTableIsEmpty) {
  amqp_basic_properties_t none{};
  EXPECT_EQ(decode_properties(none).properties, protocol::Properties{});
}

TEST(Properties, KnowsTheirSizeOnTheWire) {
  const protocol::Properties properties = all_properties();
  const PropertiesView view(properties);
  std::string buffer(4096, '\0');
  amqp_basic_properties_t copy = view.get();
  const int size = amqp_encode_properties(AMQP_BASIC_CLASS, &copy, bytes_view(buffer));
  ASSERT_GT(size, 0);
  constexpr std::size_t kClassWeightAndBodySize = 12;
  EXPECT_GE(view.encoded_size(), static_cast<std::size_t>(size) + kClassWeightAndBodySize);
  EXPECT_LE(view.encoded_size(), static_cast<std::size_t>(size) + kClassWeightAndBodySize + 16);
}

TEST(Properties, RefusesAShortStringThatIsTooLong) {
  protocol::Properties properties;
  properties.reply_to = std::string(256, 'x');
  try {
    const PropertiesView view(properties);
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the AMQP property reply_to has 256 bytes; AMQP allows 255");
  }
}

TEST(Properties, SaysWhenTheHeadersAreNestedWithoutEnd) {
  // By hand: what we would not write ourselves.
  std::vector<amqp_table_entry_t> levels(200);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i].key = amqp_cstring_bytes("k");
    levels[i].value.kind = AMQP_FIELD_KIND_TABLE;
    levels[i].value.value.table = {i == 0 ? 0 : 1, i == 0 ? nullptr : &levels[i - 1]};
  }
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {1, &levels.back()};
  const DecodedProperties decoded = decode_properties(properties);
  EXPECT_TRUE(decoded.properties.headers.empty());
  EXPECT_EQ(decoded.malformed, "the headers are nested too deep or too many");
}

}  // namespace
}  // namespace celeriac::worker::amqp
