#include "protocol/serialization/serializer.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

TEST(Serializer, AnnouncesItsContent) {
  const std::pair<const char*, const char*> types[] = {{"json", "application/json"},
                                                       {"yaml", "application/x-yaml"},
                                                       {"msgpack", "application/x-msgpack"}};
  for (const auto& [name, type] : types) {
    const Payload payload = serialize(Json::array({1, "a"}), name);
    EXPECT_EQ(payload.content_type, type);
    EXPECT_EQ(deserialize(type, payload.body), Json::array({1, "a"}));
    EXPECT_EQ(content_type_of(name), type);
  }
  EXPECT_EQ(serialize(1, "msgpack").content_encoding, "binary");
  EXPECT_EQ(serialize(1, "json").content_encoding, "utf-8");
  EXPECT_THROW(serialize(1, "pickle"), ConfigError);
}

TEST(Serializer, LeavesRawContentAlone) {
  EXPECT_EQ(deserialize("application/data", "[1]"), std::nullopt);
  EXPECT_EQ(deserialize("", "[1]"), std::nullopt);
  EXPECT_EQ(deserialize("application/json", ""), std::nullopt);
}

TEST(Serializer, AcceptsWhatIsListedAndWhatIsRaw) {
  EXPECT_NO_THROW(require_accepted("application/json", {"application/json"}));
  EXPECT_NO_THROW(require_accepted("application/data", {}));
  EXPECT_NO_THROW(require_accepted("application/text", {}));
  EXPECT_NO_THROW(require_accepted("", {}));
  EXPECT_THROW(require_accepted("application/json", {"application/x-yaml"}), MessageError);
}

TEST(Serializer, PickleHasNoTypeToAccept) {
  EXPECT_EQ(content_type_of("pickle"), std::nullopt);
  EXPECT_EQ(content_type_of("application/x-python-serialize"), std::nullopt);
  EXPECT_EQ(content_type_of("application/json"), "application/json");
  EXPECT_EQ(content_type_of("nothing"), std::nullopt);
}

}  // namespace
}  // namespace celeriac::protocol
